"""Every path of every journey, in every language, at its longest values: each reply fits a phone and its alphabet."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from notifications.gsm7 import is_gsm7, septets
from ussd.clock import Clock
from ussd.configuration import UssdSettings
from ussd.conversation import Conversation
from ussd.drawing import choices_of, draw_pages, words_of
from ussd.graph import all_edges, all_screens, sample_visit
from ussd.journeys.credit_loans import LOAN_LINES, PAYOUT_FAILED
from ussd.news import NEWS_WORDS
from ussd.registry import all_journeys, screen_by_name
from ussd.screens import BACK_KEY, HOME_KEY, MORE_KEY, Result, Screen
from ussd.sessions import Place
from ussd.texts import LANGUAGES, WORDS
from ussd.texts.fields import CARRIED, LONGEST, LONGEST_CONTACT, LONGEST_SERVICE_NAME
from ussd.turns import Reply
from ussd.visits import Visit

SCREEN = 160
DEEPEST_WALK = 4
LONG = UssdSettings(service_name="W" * LONGEST_SERVICE_NAME, contact="W" * LONGEST_CONTACT)


def check_reply(reply: Reply) -> None:
    """What the gateway sends on: prefix and words."""
    text = f"{'END' if reply.ends else 'CON'} {reply.text}"
    assert is_gsm7(text), text
    assert septets(text) <= SCREEN, text
    assert reply.text.strip(), "an empty screen"
    assert "{" not in reply.text


@dataclass
class Step:
    """One input, and the outcome its act is made to have."""

    typed: str
    outcome: str = ""


class Rehearsal(Conversation):
    """A conversation whose acts have the outcome wanted, with every fact at its longest, and touch nothing."""

    def rehearse(self, step: Step) -> None:
        self.wanted = step.outcome
        self.take([step.typed])

    def _follow(self, step: object, typed: str) -> None:
        acts = {"act": lambda _visit, _typed: Result(self.wanted, {**LONGEST, **CARRIED})} if step.act else {}
        super()._follow(type(step)(step.to, **acts), typed)


def steps_at(visit: Visit) -> Iterator[Step]:
    """Every input that means something different here."""
    screen = screen_by_name(visit.session.place.screen)
    for number, choice in enumerate(choices_of(visit, screen), start=1):
        yield from (Step(str(number), outcome) for outcome in choice.step.to)
    if screen.asks:
        yield from (Step("typed", outcome) for outcome in screen.asks.to)
    yield from (Step(key) for key in (BACK_KEY, HOME_KEY, MORE_KEY, "77", "", "\U0001f600") if not _asks(screen, key))


def _asks(screen: Screen, key: str) -> bool:
    """Whether this input would be taken for an answer here, which `typed` stands for already."""
    return screen.asks is not None and key != ""


def walk(language: str, start: str, path: list[Step]) -> Rehearsal:
    """The conversation after these inputs."""
    visit = sample_visit(screen_by_name(start), language=language, settings=LONG)
    visit.session.journey = start.partition(".")[0]
    conversation = Rehearsal(visit, clock=Clock(0, 1e9))
    for step in path:
        conversation.rehearse(step)
    return conversation


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("start", [journey.start for journey in all_journeys() if journey.start])
def test_every_path_shows_only_replies_that_fit(start: str, language: str) -> None:
    seen: set[tuple] = set()
    waiting: list[list[Step]] = [[]]
    while waiting:
        path = waiting.pop()
        conversation = walk(language, start, path)
        reply = conversation.reply()
        check_reply(reply)
        session = conversation.session
        where = (session.place.screen, session.place.page, tuple(place.screen for place in session.before))
        if session.ended or where in seen or len(path) >= DEEPEST_WALK:
            continue
        seen.add(where)
        waiting += [[*path, step] for step in steps_at(conversation.visit)]
    assert len(seen) > 1


def test_the_walk_reaches_every_screen() -> None:
    starts = {journey.start for journey in all_journeys() if journey.start}
    reached, ways = set(starts), all_edges()
    for _round in all_screens():
        reached |= {edge.target for edge in ways if edge.source in reached}

    assert {screen.name for screen in all_screens()} <= reached


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("screen", all_screens(), ids=lambda screen: screen.name)
def test_screen_deep_in_a_session_fits_on_each_of_its_pages(screen: Screen, language: str) -> None:
    visit = sample_visit(screen, language=language, settings=LONG)
    visit.session.before = [Place("menu.main"), Place("menu.main")]
    notice = words_of(visit, "engine.invalid_choice", {})

    for page in draw_pages(visit, notice="" if screen.ends else notice):
        check_reply(Reply(page, ends=screen.ends))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("key", NEWS_WORDS)
def test_news_and_the_prompt_fit_one_screen(key: str, language: str) -> None:
    visit = sample_visit(screen_by_name("promo.code"), language=language)

    assert len(draw_pages(visit, notice=words_of(visit, key, LONGEST))) == 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_first_screens_fit_one_page(language: str) -> None:
    for name in ("menu.main", "promo.code", "credit.main", "language.choose"):
        assert len(draw_pages(sample_visit(screen_by_name(name), language=language))) == 1


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("key", [*LOAN_LINES.values(), PAYOUT_FAILED])
def test_line_about_a_loan_is_no_longer_than_the_place_for_loans(key: str, language: str) -> None:
    line = WORDS[language][key].format_map(LONGEST)

    assert septets(line) <= septets(LONGEST["loans"]), line


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_shown_somewhere(language: str) -> None:
    used = {screen.words for screen in all_screens()} | {*NEWS_WORDS, *LOAN_LINES.values(), PAYOUT_FAILED}
    labels = {choice.label for screen in all_screens() for choice in choices_of(sample_visit(screen), screen)}
    troubles = {screen.trouble for screen in all_screens()} | {screen.unsure for screen in all_screens()}
    said_by_engine = {
        f"engine.{word}"
        for word in [
            "apology",
            "back",
            "busy",
            "exit",
            "goodbye",
            "home",
            "inactive",
            "invalid_choice",
            "more",
            "still_working",
            "unknown_service_code",
        ]
    }

    assert set(WORDS[language]) == used | labels | troubles | said_by_engine
