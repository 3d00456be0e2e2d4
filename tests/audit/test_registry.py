"""Names of acts."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from audit.registry import UnregisteredAction, register_actions, registered_actions, require_action


def test_register_actions_keeps_the_words() -> None:
    register_actions({"zebra.seen": "Somebody saw a zebra"})

    assert registered_actions()["zebra.seen"] == "Somebody saw a zebra"
    assert list(registered_actions()) == sorted(registered_actions())
    require_action("zebra.seen")


def test_register_actions_takes_the_same_twice() -> None:
    register_actions({"test.done": "A test did something"})

    assert registered_actions()["test.done"] == "A test did something"


@pytest.mark.parametrize(
    ("actions", "words"),
    [
        ({"test.done": "Something else"}, "already means 'A test did something'"),
        ({"done": "x"}, "must be dotted lower case"),
        ({"Test.done": "x"}, "must be dotted lower case"),
        ({"test.": "x"}, "must be dotted lower case"),
        ({"test." + "x" * 100: "x"}, "must be dotted lower case"),
        ({"test.silent": "  "}, "needs words"),
    ],
)
def test_register_actions_refuses(actions: dict[str, str], words: str) -> None:
    before = registered_actions()

    with pytest.raises(ImproperlyConfigured, match=words):
        register_actions(actions)

    assert registered_actions() == before


def test_require_action_names_the_cure() -> None:
    with pytest.raises(UnregisteredAction, match=r"register_actions in the AppConfig.ready"):
        require_action("nobody.knows")
