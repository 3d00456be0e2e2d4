"""What we remember of a dialogue between two turns. Kept in Redis by `ussd.store`, and expendable there.

What customers type is not kept: of the inputs consumed so far only their number and a digest remain, enough to
tell whether a gateway's history continues from here.
"""

import hashlib
import json
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

# How far back `0` leads.
DEEPEST = 10


@dataclass
class Place:
    """A screen as the customer sees it: its facts, and the page when it is longer than one."""

    screen: str
    facts: dict[str, str] = field(default_factory=dict)
    page: int = 0


@dataclass
class Session:
    """One dialogue. `instance` is its own id: gateways may use a session id again, this one never."""

    gateway: str
    session_id: str
    phone: str
    service_code: str
    journey: str
    language: str
    started_at: float
    last_at: float
    instance: str = field(default_factory=lambda: uuid.uuid4().hex)
    customer_id: str = ""
    place: Place = field(default_factory=lambda: Place(""))
    before: list[Place] = field(default_factory=list)
    consumed: int = 0
    digest: str = ""
    # The news that the first screen told (`ussd.news`); heard for certain once the customer goes on.
    news_told: str = ""
    last_reply: str = ""
    ended: bool = False

    def dumps(self) -> str:
        """As stored."""
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def loads(cls, stored: bytes | str) -> "Session | None":
        """What `dumps` wrote; None for what another release wrote differently, which is then begun afresh."""
        try:
            values = json.loads(stored)
            values["place"] = Place(**values["place"])
            values["before"] = [Place(**place) for place in values["before"]]
            return cls(**values)
        except (ValueError, TypeError, KeyError):
            return None

    def belongs_to(self, *, gateway: str, session_id: str) -> bool:
        """Whether this is the dialogue the gateway means."""
        return self.gateway == gateway and self.session_id == session_id

    def remember(self, inputs: Sequence[str]) -> None:
        """All inputs up to here are dealt with."""
        self.consumed = len(inputs)
        self.digest = digest_of(inputs)

    def continues_with(self, inputs: Sequence[str]) -> bool:
        """Whether this history begins with what was dealt with."""
        return len(inputs) >= self.consumed and digest_of(inputs[: self.consumed]) == self.digest

    def enter(self, place: Place, *, replaces: str = "") -> None:
        """Go on to another screen; the way back leads to this one, unless that is the one it replaces."""
        if self.place.screen not in {place.screen, replaces}:
            self.before = [*self.before, self.place][-DEEPEST:]
        self.place = place

    def start_at(self, screen: str) -> None:
        """Begin at this screen, with nothing before it."""
        self.before = []
        self.place = Place(screen)

    def go_back(self) -> None:
        """To the page before, else to the screen before; at the beginning, stay."""
        if self.place.page:
            self.place.page -= 1
        elif self.before:
            self.place = self.before.pop()


def digest_of(inputs: Sequence[str]) -> str:
    """A fingerprint of a history."""
    return hashlib.sha256("*".join(inputs).encode("utf-8", "surrogatepass")).hexdigest()[:32]
