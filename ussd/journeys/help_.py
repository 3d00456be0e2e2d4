"""What the service does and where to get help."""

from ussd.configuration import UssdSettings
from ussd.screens import Choice, Journey, Result, Screen, Step
from ussd.visits import Visit


def look_up_contact(visit: Visit, _typed: str) -> Result:
    """Where customers get help, if anywhere."""
    settings: UssdSettings = visit.settings
    contact = settings.contact
    return Result("CONTACT", {"contact": contact}) if contact else Result("NO_CONTACT")


JOURNEY = Journey(
    name="help",
    title="Help",
    screens=(
        Screen("help.words", words="help.words"),
        Screen("help.contact", words="help.contact"),
    ),
    in_menu=Choice("menu.help", Step({"CONTACT": "help.contact", "NO_CONTACT": "help.words"}, act=look_up_contact)),
    menu_order=90,
)
