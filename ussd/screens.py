"""What a journey is made of. Declared, not programmed: so that one test walks every path and a command draws it.

A screen shows words, and either offers choices, or asks for free input, or ends the session. An input takes a `Step`:
at most one call into a service (an `act`), whose outcome names the next screen.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ussd.visits import Visit

# Where a step may lead besides screens: the start of the journey that was dialled, and the screen before.
HOME = "@home"
BACK = "@back"

# Keys of every screen that has somewhere to go; choices are numbered from 1 and stay below MORE.
BACK_KEY, HOME_KEY, MORE_KEY = "0", "00", "98"
MOST_CHOICES = 97


@dataclass(frozen=True)
class Result:
    """What a service said: an outcome the step knows, and facts for the words of the next screen."""

    outcome: str
    facts: Mapping[str, str] = field(default_factory=dict)


Act = Callable[["Visit", str], Result]


@dataclass(frozen=True)
class Step:
    """Where an input leads. Without an act there is one outcome, the empty one."""

    to: Mapping[str, str]
    act: Act | None = None


@dataclass(frozen=True)
class Choice:
    """One line of a menu. `label` is a key of the texts; `facts` fill its places."""

    label: str
    step: Step
    facts: Mapping[str, str] = field(default_factory=dict)


Choices = tuple[Choice, ...] | Callable[["Visit"], tuple[Choice, ...]]


@dataclass(frozen=True)
class Screen:
    """One screen. `name` is `journey.screen`, unique; `words` a key of the texts.

    `replaces`: coming from that screen it takes its place, so that Back leads past both. `leaves`: with nothing
    before it, `0` ends the session. `secret`: what is typed here is masked wherever it is kept. `takes` says how
    many parts of a history belong to one input, for input that may contain the separator `*`. `trouble` and
    `unsure` are said when the database fails under this screen's act: the first when certainly nothing happened,
    the second when it may have.
    """

    name: str
    words: str
    choices: Choices = ()
    asks: Step | None = None
    ends: bool = False
    replaces: str = ""
    leaves: bool = False
    secret: bool = False
    takes: Callable[[Sequence[str]], int] | None = None
    trouble: str = "engine.trouble"
    unsure: str = "engine.unsure"

    @property
    def kind(self) -> str:
        """What it does: `end`, `ask` or `menu`."""
        return "end" if self.ends else "ask" if self.asks else "menu"


@dataclass(frozen=True)
class Journey:
    """A set of screens. With a `start` a service code can open it; with `in_menu` the main menu offers it."""

    name: str
    title: str
    screens: tuple[Screen, ...]
    start: str = ""
    in_menu: Choice | None = None
    menu_order: int = 0


def go(screen: str) -> Step:
    """A step that only leads on."""
    return Step({"": screen})
