"""Who promises money never gets a default in place of a limit that staff have set."""

from typing import Any, ClassVar

import pytest
from django.utils import timezone
from structlog.testing import capture_logs

from configuration import snapshot
from configuration.models import ConfigurationVersion
from configuration.registry import CategoryRefused, register_category
from configuration.selectors import SettingsUnknown, current, current_or_raise
from configuration.snapshot import expire_snapshot
from tests.configuration.categories import Shop

pytestmark = pytest.mark.django_db


def write(version: int, **values: Any) -> None:
    """A version as another process writes it, or as an earlier release did."""
    ConfigurationVersion.objects.create(
        category="shop", version=version, values=values, reason="r", created_at=timezone.now()
    )
    expire_snapshot()


def test_defaults_are_an_answer_when_nobody_has_changed_anything() -> None:
    assert current_or_raise(Shop) == Shop()


def test_first_look_that_failed_is_no_answer_until_one_succeeds(monkeypatch: pytest.MonkeyPatch) -> None:
    write(1, staff=7)

    def fail() -> None:
        raise RuntimeError("pool timed out")

    with monkeypatch.context() as patch:
        patch.setattr(snapshot, "_read_rows", fail)
        with pytest.raises(SettingsUnknown):
            current_or_raise(Shop)
        assert current(Shop) == Shop()

    # The next look is seconds away.
    with pytest.raises(SettingsUnknown):
        current_or_raise(Shop)
    expire_snapshot()
    assert current_or_raise(Shop).staff == 7


def test_last_known_values_are_an_answer_while_the_database_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    write(1, staff=7)
    current(Shop)
    expire_snapshot()
    monkeypatch.setattr(snapshot, "_read_rows", lambda: 1 / 0)

    assert current_or_raise(Shop).staff == 7


def test_limit_that_became_unusable_stays_as_it_was_and_is_logged() -> None:
    write(1, staff=7, name="Big shop")
    current(Shop)

    write(2, staff=99, name="Bigger shop")
    with capture_logs() as logs:
        values = current_or_raise(Shop)

    assert (values.staff, values.name) == (7, "Bigger shop")
    assert {entry["event"]: entry["log_level"] for entry in logs} == {
        "configuration_values_unusable": "error",
        "configuration_limits_unusable": "error",
    }


def test_limit_that_was_never_readable_is_no_answer_until_staff_set_it() -> None:
    write(1, staff=99)

    for _ in range(2):
        with pytest.raises(SettingsUnknown):
            current_or_raise(Shop)
    # It stays so when the next version cannot be read either.
    write(2, staff="many")
    with pytest.raises(SettingsUnknown):
        current_or_raise(Shop)
    write(3, staff=3)
    assert current_or_raise(Shop).staff == 3


def test_other_fields_may_fall_back_on_their_defaults() -> None:
    write(1, staff=7, price="free", till_key={"$secret": "damaged"})

    assert current_or_raise(Shop) == Shop(staff=7)


def test_category_that_guards_a_field_it_does_not_have_is_refused() -> None:
    class Kiosk(Shop):
        """Smaller."""

        slug: ClassVar[str] = "kiosk"
        never_guessed: ClassVar[frozenset[str]] = frozenset({"stuff"})

    with pytest.raises(CategoryRefused, match="stuff"):
        register_category(Kiosk)
