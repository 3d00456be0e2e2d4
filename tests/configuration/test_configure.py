"""`manage.py configure`."""

import io
import json
import sys

import pytest
from django.core.management import CommandError, call_command

from audit.models import AuditEvent
from configuration.models import ConfigurationVersion
from configuration.selectors import current
from tests.configuration.categories import Shop

pytestmark = pytest.mark.django_db


def configure(*arguments: str) -> str:
    out = io.StringIO()
    call_command("configure", *arguments, stdout=out)
    return out.getvalue()


def test_configure_lists_categories():
    assert json.loads(configure("--json"))["shop"] == "Shop"
    assert "shop                 Shop\n" in configure()


def test_configure_prints_values_with_secrets_masked():
    configure("shop", "--set", "till_key=open sesame", "--reason", "r")

    found = json.loads(configure("shop", "--json"))

    assert (found["category"], found["version"]) == ("shop", 1)
    assert found["values"]["till_key"] == "********"
    assert found["values"]["hours"] == [8, 18]
    assert "  staff = 2\n" in configure("shop")


def test_configure_sets_values_of_every_kind():
    out = configure(
        "shop",
        *("--set", "open=false", "--set", "staff=5", "--set", "name=123", "--set", "hours=[7,20]"),
        *("--set", 'words={"en":"Hi = hello"}', "--set", "mode=card", "--set", "price=1.25"),
        *("--reason", "New owner", "--json"),
    )

    assert json.loads(out)["version"] == 1
    expected = {"open": False, "staff": 5, "name": "123", "hours": [7, 20], "mode": "card", "price": "1.25"}
    assert current(Shop) == Shop(**expected, words={"en": "Hi = hello"})
    assert AuditEvent.objects.get().actor_label == "command:configure"


def test_configure_reads_a_secret_from_standard_input(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("open sesame\n"))

    configure("shop", "--set", "till_key=-", "--reason", "r")

    assert current(Shop).till_key.get_secret_value() == "open sesame"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["shops"], "No category 'shops'"),
        (["--set", "a=1"], "--set needs a category"),
        (["shop", "--set", "staff", "--reason", "r"], "'staff' is not KEY=VALUE"),
        (["shop", "--set", "staff=1", "--set", "staff=2", "--reason", "r"], "staff is set twice"),
        (["shop", "--set", "staff=99", "--reason", "r"], "staff: Input should be less than or equal to 9."),
        (["shop", "--set", "colour=red", "--reason", "r"], "colour: Shop has no such setting."),
        (["shop", "--set", "staff=5"], "reason: Say why"),
        (["shop", "--set", "staff=2", "--reason", "r"], "Nothing would change"),
    ],
)
def test_configure_refuses_in_words_and_changes_nothing(arguments, words):
    with pytest.raises(CommandError, match=words):
        configure(*arguments)

    assert not ConfigurationVersion.objects.exists()
