"""What a screen looks like now: its words, its choices, and the keys that lead away from it."""

from collections.abc import Mapping, Sequence

from notifications.gsm7 import to_gsm7
from ussd.paging import fit_screen, split_pages
from ussd.registry import screen_by_name
from ussd.screens import BACK_KEY, HOME_KEY, MORE_KEY, Choice, Screen
from ussd.texts import say
from ussd.turns import Reply
from ussd.visits import Visit


def draw_pages(visit: Visit, *, notice: str = "") -> list[str]:
    """Every page of the screen the session is at, with `notice` before its words."""
    session = visit.session
    screen = screen_by_name(session.place.screen)
    text = words_of(visit, screen.words, session.place.facts)
    lines = ([notice] if notice else []) + text.split("\n")
    lines += [
        f"{number} {words_of(visit, choice.label, choice.facts)}"
        for number, choice in enumerate(choices_of(visit, screen), start=1)
    ]
    lines = [to_gsm7(line) for line in lines]
    if screen.ends:
        return [fit_screen("\n".join(lines))]
    return split_pages(lines, footer=lambda page, more: _footer(visit, screen, page=page, more=more))


def draw_reply(visit: Visit, *, notice: str = "") -> Reply:
    """The page the session is at."""
    pages = draw_pages(visit, notice=notice)
    place = visit.session.place
    place.page = min(place.page, len(pages) - 1)
    return Reply(pages[place.page], ends=visit.session.ended)


def final_reply(visit: Visit, key: str) -> Reply:
    """Words after which the session is over, outside any screen."""
    visit.session.ended = True
    return Reply(fit_screen(to_gsm7(words_of(visit, key, {}))), ends=True)


def words_of(visit: Visit, key: str, facts: Mapping[str, str]) -> str:
    """The words in the customer's language. The name of the service is known everywhere."""
    known = {"service": visit.settings.service_name, **facts}
    return say(key, language=visit.session.language, facts=known, overrides=visit.settings.texts)


def choices_of(visit: Visit, screen: Screen) -> Sequence[Choice]:
    """The choices this customer has here."""
    return screen.choices if isinstance(screen.choices, tuple) else screen.choices(visit)


def _footer(visit: Visit, screen: Screen, *, page: int, more: bool) -> list[str]:
    before = visit.session.before
    keys = []
    if more:
        keys.append((MORE_KEY, "engine.more"))
    if page or before:
        keys.append((BACK_KEY, "engine.back"))
    elif screen.leaves:
        keys.append((BACK_KEY, "engine.exit"))
    if len(before) + bool(page) > 1:
        keys.append((HOME_KEY, "engine.home"))
    return [to_gsm7(f"{key} {words_of(visit, label, {})}") for key, label in keys]
