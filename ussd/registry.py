"""Which journeys exist. Each is registered from `AppConfig.ready`; the main menu lists those with a label."""

from collections.abc import Iterator

from django.core.exceptions import ImproperlyConfigured

from ussd.screens import BACK, HOME, Choice, Journey, Screen, Step

_journeys: dict[str, Journey] = {}
_screens: dict[str, Screen] = {}


def register_journey(journey: Journey) -> None:
    """Make a journey known. Raises ImproperlyConfigured for a name taken or a screen outside its journey's name."""
    if journey.name in _journeys:
        raise ImproperlyConfigured(f"The journey {journey.name!r} is registered twice.")
    for screen in journey.screens:
        if screen.name in _screens or not screen.name.startswith(f"{journey.name}."):
            raise ImproperlyConfigured(f"Screen {screen.name!r} must be unique and begin with '{journey.name}.'.")
    _journeys[journey.name] = journey
    _screens.update({screen.name: screen for screen in journey.screens})


def journey_by_name(name: str) -> Journey:
    """The journey; KeyError when a gateway names one that this release does not have."""
    return _journeys[name]


def journey_names() -> list[str]:
    """Every journey a service code can open."""
    return [journey.name for journey in all_journeys() if journey.start]


def all_journeys() -> list[Journey]:
    """Every journey, by name."""
    return [_journeys[name] for name in sorted(_journeys)]


def screen_by_name(name: str) -> Screen:
    """The screen; KeyError when a stored session names one that this release does not have."""
    return _screens[name]


def menu_choices() -> tuple[Choice, ...]:
    """The main menu: one line for each journey that wants one."""
    journeys = sorted(all_journeys(), key=lambda journey: journey.menu_order)
    return tuple(journey.in_menu for journey in journeys if journey.in_menu)


def fixed_choices(screen: Screen) -> tuple[Choice, ...]:
    """The choices of a screen that are the same for everybody; of the others none."""
    return screen.choices if isinstance(screen.choices, tuple) else ()


def missing_screens(journey: Journey) -> Iterator[str]:
    """What is wrong with a journey's ways, in words: a start or a next screen that does not exist, a dead end."""
    names = {screen.name for screen in journey.screens}
    if journey.start and journey.start not in names:
        yield f"{journey.name}: it starts at {journey.start!r}, which it does not have"
    for step, where in _steps(journey):
        for outcome, target in step.to.items():
            if target not in _screens and target not in {HOME, BACK}:
                yield f"{where}: outcome {outcome!r} leads to {target!r}, which does not exist"


def _steps(journey: Journey) -> Iterator[tuple[Step, str]]:
    if journey.in_menu:
        yield journey.in_menu.step, f"{journey.name} in the menu"
    for screen in journey.screens:
        if screen.asks:
            yield screen.asks, screen.name
        for choice in fixed_choices(screen):
            yield choice.step, screen.name
