"""The journeys as a graph: which screen leads where, on what. For drawing, and for tests that walk every way."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.utils import timezone

from ussd.configuration import UssdSettings
from ussd.drawing import choices_of
from ussd.registry import all_journeys
from ussd.screens import BACK, HOME, Choice, Screen, Step
from ussd.sessions import Place, Session
from ussd.texts import say
from ussd.texts.fields import CARRIED, LONGEST
from ussd.visits import Visit


@dataclass(frozen=True)
class Edge:
    """One way: from a screen, by an input with an outcome, to a screen (or HOME, BACK)."""

    source: str
    on: str
    outcome: str
    target: str

    @property
    def label(self) -> str:
        """What stands beside the arrow."""
        return f"{self.on}: {self.outcome}" if self.outcome else self.on


def all_screens() -> list[Screen]:
    """Every screen of every journey."""
    return [screen for journey in all_journeys() for screen in journey.screens]


def all_edges() -> list[Edge]:
    """Every way out of every screen, besides the keys for back, home and more."""
    return [edge for screen in all_screens() for edge in _edges_of(screen)]


def _arrows() -> list[Edge]:
    """Edges to draw: those that differ only in their outcome become one."""
    arrows: dict[tuple[str, str, str], list[str]] = {}
    for edge in all_edges():
        arrows.setdefault((edge.source, edge.on, edge.target), []).append(edge.outcome)
    return [Edge(source, on, ", ".join(outcomes), target) for (source, on, target), outcomes in arrows.items()]


def sample_visit(screen: Screen, *, language: str = "en", settings: UssdSettings | None = None) -> Visit:
    """Somebody at this screen, with every fact at its longest."""
    now = timezone.now()
    session = Session(
        gateway="sample",
        session_id="sample",
        phone=LONGEST["phone"],
        service_code="*384#",
        journey="menu",
        language=language,
        started_at=now.timestamp(),
        last_at=now.timestamp(),
        place=Place(screen.name, {**LONGEST, **CARRIED}),
        ended=screen.ends,
    )
    return Visit(session, settings or UssdSettings(), now)


def draw_text() -> str:
    """One screen after another, with its words and its ways."""
    lines: list[str] = []
    for journey in all_journeys():
        lines.append(f"{journey.title} ({journey.name})")
        for screen in journey.screens:
            start = ", start" if screen.name == journey.start else ""
            words = say(screen.words, language="en", facts=_places()).replace("\n", " / ")
            lines.append(f"  {screen.name} [{screen.kind}{start}] {words}")
            lines += [f"    {edge.label} -> {edge.target}" for edge in _edges_of(screen)]
        lines.append("")
    return "\n".join(lines)


def draw_mermaid() -> str:
    """A flowchart for Markdown."""
    lines = ["flowchart LR"]
    for journey in all_journeys():
        lines.append(f'  subgraph {journey.name}["{journey.title}"]')
        lines += [f"    {_id(screen.name)}{_shape(screen)}" for screen in journey.screens]
        lines.append("  end")
    lines += [f'  {_id(edge.source)} -->|"{edge.label}"| {_id(edge.target)}' for edge in _arrows()]
    return "\n".join(lines)


def draw_dot() -> str:
    """For Graphviz."""
    lines = ["digraph ussd {", "  rankdir=LR;", "  node [shape=box];"]
    for journey in all_journeys():
        lines.append(f'  subgraph "cluster_{journey.name}" {{ label="{journey.title}";')
        lines += [f'    "{screen.name}"{" [style=rounded]" if screen.ends else ""};' for screen in journey.screens]
        lines.append("  }")
    lines += [f'  "{edge.source}" -> "{edge.target}" [label="{edge.label}"];' for edge in _arrows()]
    return "\n".join([*lines, "}"])


DRAWINGS = {"text": draw_text, "mermaid": draw_mermaid, "dot": draw_dot}


def _edges_of(screen: Screen) -> Iterator[Edge]:
    visit = sample_visit(screen)
    for number, choice in enumerate(choices_of(visit, screen), start=1):
        yield from _step_edges(screen, f"{number} {_label(choice)}", choice.step)
    if screen.asks:
        yield from _step_edges(screen, "typed", screen.asks)


def _step_edges(screen: Screen, on: str, step: Step) -> Iterator[Edge]:
    for outcome, target in step.to.items():
        yield Edge(screen.name, on, str(outcome), target)


def _label(choice: Choice) -> str:
    return say(choice.label, language="en", facts={**_places(), **choice.facts})


def _places() -> dict[str, str]:
    return {name: f"<{name}>" for name in LONGEST}


def _shape(screen: Screen) -> str:
    return f'(["{screen.name}"])' if screen.ends else f'["{screen.name}"]'


def _id(name: str) -> str:
    return {HOME: "home", BACK: "back"}.get(name, name.replace(".", "_"))
