"""Answers a turn: finds the journey, the session and the stored reply of a repeat, and always has words in time.

A turn costs two round trips to Redis (before and after) and, when it only reads, one SQL statement at dial and none
later. Without Redis the gateway's history is replayed through the same screens, which comes to the same place because
business acts are idempotent by session and code. A gateway that sends only the last input begins at the first screen
then.
"""

from collections.abc import Sequence

import structlog
from django.db import Error

from configuration.selectors import current
from ussd.clock import Clock
from ussd.configuration import UssdSettings
from ussd.conversation import Conversation
from ussd.guard import DatabaseTrouble
from ussd.registry import journey_names, screen_by_name
from ussd.selectors import KnownGateway
from ussd.service_codes import Route, find_route, mask_dialled
from ussd.services.records import store_turn_now
from ussd.sessions import Session
from ussd.store import Claim, Store
from ussd.texts import say
from ussd.turn_log import make_record
from ussd.turns import Reply, Turn
from ussd.visits import Visit
from ussd.watchdog import database_work_ends

# Seconds a look at the settings may take; after that the last known ones serve.
FOR_SETTINGS = 2.0

logger = structlog.get_logger(__name__)


def answer(turn: Turn, *, gateway: KnownGateway) -> Reply:
    """What the customer reads next. Never raises; answers within the deadline whatever happens behind us.

    The same turn again gets the same words and does nothing twice, also while the first is still being
    answered and after the session has ended, for as long as a session is remembered.
    """
    with database_work_ends(within=FOR_SETTINGS):
        settings = current(UssdSettings)
    clock = Clock(turn.started, settings.deadline_seconds)
    try:
        return _answer(turn, gateway, settings, clock)
    except Exception:
        logger.exception("ussd_turn_failed", gateway=turn.gateway)
        return apology(settings)


def apology(settings: UssdSettings | None = None) -> Reply:
    """What is said when something went wrong that nobody foresaw."""
    return _plain("engine.apology", settings or UssdSettings())


def _answer(turn: Turn, gateway: KnownGateway, settings: UssdSettings, clock: Clock) -> Reply:
    route = find_route(gateway.service_codes, turn.service_code)
    if route is None or route.journey not in journey_names():
        # What was dialled may hold a promo code, which is money.
        logger.warning("ussd_unknown_service_code", gateway=turn.gateway, service_code=mask_dialled(turn.service_code))
        return _plain("engine.unknown_service_code", settings)
    store = Store(turn, clock)
    claim = store.claim(turns_per_minute=settings.turns_per_minute)
    if claim.reply is not None:
        return claim.reply
    if claim.word == "flooded":
        return _plain("engine.busy", settings)
    if claim.word == "busy":
        return _plain("engine.still_working", settings)
    return _Answering(turn, route, settings, clock, store, claim).answer()


class _Answering:
    """One turn that is ours to answer."""

    def __init__(
        self, turn: Turn, route: Route, settings: UssdSettings, clock: Clock, store: Store, claim: Claim
    ) -> None:
        self.turn = turn
        self.route = route
        self.settings = settings
        self.clock = clock
        self.store = store
        self.inputs, self.fresh = _read_inputs(turn, route, claim.session)
        self.session = self._new_session() if self.fresh or claim.session is None else claim.session
        visit = Visit(self.session, settings, turn.at)
        self.conversation = Conversation(visit, clock=clock)

    def answer(self) -> Reply:
        """Converse, then keep session, reply and record in one round trip."""
        session, conversation = self.session, self.conversation
        session.last_at = self.turn.at.timestamp()
        try:
            reply = self._converse()
        except DatabaseTrouble as trouble:
            conversation.fail(trouble, typed=any(self.inputs))
            reply = conversation.reply()
        except Exception:
            logger.exception("ussd_turn_failed", gateway=self.turn.gateway, screen=session.place.screen)
            session.ended = True
            conversation.outcome = "ERROR"
            reply = _plain("engine.apology", self.settings, language=session.language)
        session.last_reply = reply.text
        self._keep(reply)
        return reply

    def _converse(self) -> Reply:
        session, conversation = self.session, self.conversation
        history = _history(self.turn, self.route)
        if session.ended:
            # The gateway goes on after the end: the end is all there is to say.
            return Reply(session.last_reply, ends=True)
        if self.fresh:
            conversation.begin(
                network_code=self.turn.network,
                inputs=self.inputs,
                direct=bool(self.route.prefill),
                replaying=bool(history),
            )
        conversation.take(self.inputs)
        if history is not None:
            session.remember(history)
        return conversation.reply()

    def _keep(self, reply: Reply) -> None:
        conversation = self.conversation
        record = make_record(
            self.turn,
            self.session,
            reply,
            typed="*".join(self.inputs),
            outcome=conversation.outcome,
            secret=conversation.secret,
            took_ms=self.clock.took_ms(),
        )
        seconds = self.settings.session_timeout_seconds
        if self.store.keep(self.session, reply, fresh=self.fresh, record=record, seconds=seconds):
            return
        try:
            store_turn_now(record, within=self.clock.left_for_work())
        except Error as error:
            logger.warning("ussd_turn_not_logged", error=str(error), outcome=conversation.outcome)

    def _new_session(self) -> Session:
        return Session(
            gateway=self.turn.gateway,
            session_id=self.turn.session_id,
            phone=self.turn.phone,
            service_code=self.route.service_code,
            journey=self.route.journey,
            language=self.settings.default_language,
            started_at=self.turn.at.timestamp(),
            last_at=self.turn.at.timestamp(),
        )


def _read_inputs(turn: Turn, route: Route, session: Session | None) -> tuple[Sequence[str], bool]:
    """The inputs to deal with now, and whether that begins at the first screen."""
    ours = session if session and _can_go_on(session, turn) else None
    history = _history(turn, route)
    if history is not None:
        if ours and ours.continues_with(history):
            return history[ours.consumed :], False
        return history, True
    typed = tuple(turn.new_input.split("*")) if turn.new_input else ()
    if ours is None or turn.number == 1 or ours.ended:
        return (*route.prefill, *typed), True
    return typed, False


def _can_go_on(session: Session, turn: Turn) -> bool:
    if not session.belongs_to(gateway=turn.gateway, session_id=turn.session_id):
        return False
    try:
        screen_by_name(session.place.screen)
    except KeyError:
        # Ended before its first screen; or stored by a release that had another set of screens.
        return session.ended and not session.place.screen
    return True


def _history(turn: Turn, route: Route) -> tuple[str, ...] | None:
    """Every input so far, what was dialled after the service code included, once."""
    if turn.history is None:
        return None
    prefill = route.prefill
    # Some gateways put what was dialled into the history too.
    return turn.history if turn.history[: len(prefill)] == prefill else prefill + turn.history


def _plain(key: str, settings: UssdSettings, *, language: str = "") -> Reply:
    facts = {"service": settings.service_name}
    language = language or settings.default_language
    return Reply(say(key, language=language, facts=facts, overrides=settings.texts), ends=True)
