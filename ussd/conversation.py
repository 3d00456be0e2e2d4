"""A dialogue going on: inputs move the session from screen to screen.

Knows screens and steps; nothing of wire formats and Redis.
"""

import unicodedata
from collections.abc import Sequence

from ussd.clock import Clock
from ussd.customers import Caller, meet_caller
from ussd.drawing import choices_of, draw_pages, draw_reply, final_reply, words_of
from ussd.guard import DatabaseTrouble, run_guarded
from ussd.languages import CHOOSE_LANGUAGE, language_number
from ussd.news import mark_heard
from ussd.registry import journey_by_name, screen_by_name
from ussd.screens import BACK, BACK_KEY, HOME, HOME_KEY, MORE_KEY, Result, Screen, Step
from ussd.sessions import Place
from ussd.turns import Reply
from ussd.visits import Visit

# Longest input looked at; Safaricom lets people type 80 characters.
LONGEST_INPUT = 180


class Conversation:
    """One session during one turn."""

    def __init__(self, visit: Visit, *, clock: Clock) -> None:
        self.visit = visit
        self.session = visit.session
        self.clock = clock
        self.notice = ""
        # What the turn came to, for the log: the last outcome, and whether what was typed must be masked.
        self.outcome = ""
        self.secret = False
        self._final: Reply | None = None
        # Whether the caller was met in this very turn.
        self._has_begun = False

    def begin(self, *, network_code: str, inputs: Sequence[str], direct: bool, replaying: bool) -> None:
        """Meet the caller and stand at the first screen, with the news if there are any.

        `inputs` are those about to be taken; `direct` says that they came with the service code, `replaying` that
        they may have been answered before.
        """
        self._has_begun = True
        phone, at = self.visit.phone, self.visit.at
        caller = run_guarded(lambda: meet_caller(phone=phone, network_code=network_code, at=at), clock=self.clock)
        customer = caller.customer
        self.visit.loaded_customer = customer
        self.session.customer_id = str(customer.pk)
        if customer.language:
            self.session.language = customer.language
        if not customer.is_active:
            self._end("engine.inactive", outcome="INACTIVE")
            return
        asked = not direct and self._is_asked_for_language(caller, inputs, replaying=replaying)
        self.session.start_at(CHOOSE_LANGUAGE if asked else self._home())
        if caller.news:
            self.session.news_told = caller.news.told
            self.notice = words_of(self.visit, caller.news.words, caller.news.facts_in(self.session.language))

    def take(self, inputs: Sequence[str]) -> None:
        """Deal with inputs in order; what comes after the end is passed over."""
        rest = list(inputs)
        if rest and self._has_begun:
            # Another screen than the first is shown at once, without the news: the next dial tells them.
            self.session.news_told = ""
        elif rest:
            self._note_news_heard()
        while rest and not self.session.ended:
            screen = screen_by_name(self.session.place.screen)
            count = screen.takes(rest) if screen.takes else 1
            self._take_one(screen, _normalised(" ".join(rest[:count])))
            del rest[:count]

    def reply(self) -> Reply:
        """What the customer reads now."""
        if self._final is None:
            self._final = draw_reply(self.visit, notice=self.notice)
        return self._final

    def fail(self, trouble: DatabaseTrouble, *, typed: bool) -> None:
        """End with the truth about a database that failed.

        Who has typed something hears what became of it, also when it failed before the first screen.
        """
        place = self.session.place.screen or (self._home() if typed else "")
        screen = screen_by_name(place) if place else None
        if trouble.certain:
            self._end(screen.trouble if screen else "engine.trouble", outcome="TROUBLE")
        else:
            self._end(screen.unsure if screen else "engine.unsure", outcome="UNSURE")

    def _take_one(self, screen: Screen, typed: str) -> None:
        self.notice, self.secret = "", screen.secret
        if not typed:
            return
        place = self.session.place
        if typed == MORE_KEY and place.page + 1 < len(draw_pages(self.visit)):
            place.page += 1
        elif typed == BACK_KEY and (place.page or self.session.before):
            self.session.go_back()
        elif typed == BACK_KEY and screen.leaves:
            self._end("engine.goodbye", outcome="LEFT")
        elif typed == HOME_KEY and self.session.before:
            self.session.start_at(self._home())
        elif step := self._step_for(screen, typed):
            self._follow(step, typed)
        else:
            # Said at the top, so the first page is shown.
            place.page = 0
            self.notice = words_of(self.visit, "engine.invalid_choice", {})

    def _step_for(self, screen: Screen, typed: str) -> Step | None:
        choices = choices_of(self.visit, screen)
        if typed.isascii() and typed.isdigit() and len(typed) <= 2 and 1 <= int(typed) <= len(choices):
            return choices[int(typed) - 1].step
        return screen.asks

    def _follow(self, step: Step, typed: str) -> None:
        act = step.act
        result = run_guarded(lambda: act(self.visit, typed), clock=self.clock) if act else Result("")
        self.outcome = result.outcome
        target = step.to[result.outcome]
        if target == HOME:
            self.session.start_at(self._home())
        elif target == BACK:
            self.session.go_back()
        else:
            screen = screen_by_name(target)
            self.session.enter(Place(target, dict(result.facts)), replaces=screen.replaces)
            self.session.ended = screen.ends

    def _end(self, key: str, *, outcome: str) -> None:
        self.outcome = outcome
        self._final = final_reply(self.visit, key)

    def _home(self) -> str:
        return journey_by_name(self.session.journey).start

    def _is_asked_for_language(self, caller: Caller, inputs: Sequence[str], *, replaying: bool) -> bool:
        """Whether the first screen asks for the language.

        Who begins with a promo code goes on without being asked. Inputs that are replayed must take the way they took:
        who has just chosen, and begins with that choice, was asked.
        """
        if len(self.visit.settings.supported_languages) == 1:
            return False
        first = _normalised(inputs[0]) if inputs else ""
        chosen = caller.customer.language
        if not chosen:
            return not first or language_number(first, self.visit.settings) != ""
        age = (self.visit.at - caller.customer.updated_at).total_seconds()
        just_chosen = age <= self.visit.settings.session_timeout_seconds
        return replaying and just_chosen and language_number(first, self.visit.settings) == chosen

    def _note_news_heard(self) -> None:
        """Going on after the first screen shows that it arrived. Until then the next dial tells it again."""
        if not self.session.news_told:
            return
        told, self.session.news_told = self.session.news_told, ""
        run_guarded(lambda: mark_heard(told, at=self.visit.at), clock=self.clock)


def _normalised(typed: str) -> str:
    """Plain digits and letters, without the `#` that people end an input with out of habit."""
    return unicodedata.normalize("NFKC", typed[:LONGEST_INPUT]).strip().rstrip("#").rstrip()
