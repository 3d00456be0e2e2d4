"""The main menu: a line for each journey that wants one. Journeys of later apps join by registering."""

from ussd.registry import menu_choices
from ussd.screens import Choice, Journey, Screen
from ussd.visits import Visit


def _choices(_visit: Visit) -> tuple[Choice, ...]:
    return menu_choices()


JOURNEY = Journey(
    name="menu",
    title="Main menu",
    start="menu.main",
    screens=(Screen("menu.main", words="menu.main", choices=_choices, leaves=True),),
)
