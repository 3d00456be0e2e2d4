"""Customers: one per phone, however many dial at once."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError

from accounts.models import User
from accounts.services import customers
from accounts.services.customers import UnknownLanguage, choose_language, register_customer
from audit.models import AuditEvent
from tests.audit.threads import run_together

AT = datetime(2026, 11, 20, 4, 28, tzinfo=UTC)
PHONE = "+250788123456"


@pytest.mark.django_db
def test_register_customer_makes_the_customer_once() -> None:
    first = register_customer(phone=PHONE, network="MTN RW", at=AT)
    again = register_customer(phone=PHONE, network="MTN RW", at=AT + timedelta(days=1))

    assert again == first
    stored = User.objects.get()
    assert (stored.phone, stored.network, stored.language, stored.email) == (PHONE, "MTN RW", "", None)
    assert (stored.is_staff, stored.is_active, stored.has_usable_password()) == (False, True, False)
    event = AuditEvent.objects.get()
    assert (event.action, event.target_id, event.at) == ("customer.registered", str(first.pk), AT)
    assert event.after == {"phone": PHONE, "network": "MTN RW"}


@pytest.mark.django_db
def test_register_customer_known_costs_one_statement(django_assert_num_queries) -> None:
    register_customer(phone=PHONE, network="MTN RW", at=AT)

    with django_assert_num_queries(1):
        register_customer(phone=PHONE, network="MTN RW", at=AT)
    with django_assert_num_queries(1):
        register_customer(phone=PHONE, at=AT)


@pytest.mark.django_db
def test_register_customer_notes_another_network() -> None:
    register_customer(phone=PHONE, network="MTN RW", at=AT)
    later = AT + timedelta(days=1)

    customer = register_customer(phone=PHONE, network="Airtel RW", at=later)

    assert customer.network == "Airtel RW"
    stored = User.objects.get()
    assert (stored.network, stored.updated_at) == ("Airtel RW", later)
    assert AuditEvent.objects.count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize("phone", ["0788123456", "+0788123456", "250788123456", "+25078812345678901"])
def test_register_customer_refuses_what_is_not_e164(phone: str) -> None:
    with pytest.raises(Exception, match=r"user_phone_e164|too long"):
        register_customer(phone=phone, at=AT)


@pytest.mark.django_db(transaction=True)
def test_register_customer_by_many_at_once_makes_one() -> None:
    results = run_together(
        8, lambda _number: register_customer(phone=PHONE, network="MTN RW", at=AT), hold=(customers, "_find")
    )

    stored = User.objects.get()
    assert results == [stored] * 8
    assert AuditEvent.objects.filter(action="customer.registered", target_id=str(stored.pk)).count() == 1


@pytest.mark.django_db(transaction=True)
def test_register_customer_with_a_plain_insert_fails_somebody(monkeypatch) -> None:
    """The control: with the ON CONFLICT taken out the same race ends in errors."""
    monkeypatch.setattr(customers, "_insert_unless_known", lambda new: new.save(force_insert=True))

    results = run_together(
        8, lambda _number: register_customer(phone=PHONE, network="MTN RW", at=AT), hold=(customers, "_find")
    )

    assert sum(isinstance(result, IntegrityError) for result in results) == 7
    assert User.objects.count() == 1


@pytest.mark.django_db
def test_choose_language_keeps_it_and_says_so_once() -> None:
    customer = register_customer(phone=PHONE, at=AT)

    choose_language(customer=customer, language="rw", at=AT)
    choose_language(customer=customer, language="rw", at=AT)

    assert customer.language == User.objects.get().language == "rw"
    event = AuditEvent.objects.get(action="customer.language_chosen")
    assert (event.before, event.after) == ({"language": ""}, {"language": "rw"})


@pytest.mark.django_db
@pytest.mark.parametrize("language", ["", "de", "RW", "english"])
def test_choose_language_refuses_one_without_words(language: str) -> None:
    customer = register_customer(phone=PHONE, at=AT)

    with pytest.raises(UnknownLanguage, match="choose one of en, rw, sw, fr"):
        choose_language(customer=customer, language=language, at=AT)

    assert customer.language == User.objects.get().language == ""
    assert not AuditEvent.objects.filter(action="customer.language_chosen").exists()


def choose_two_languages_at_once(**options: Any) -> list[tuple[dict, dict]]:
    """What the trail says of two choices, in order."""
    customer = register_customer(phone=PHONE, at=AT)
    found = run_together(2, lambda n: choose_language(customer=customer, language=["en", "rw"][n], at=AT), **options)
    assert found == [None, None]
    events = AuditEvent.objects.filter(action="customer.language_chosen").order_by("id")
    return [(event.before, event.after) for event in events]


@pytest.mark.django_db(transaction=True)
def test_choose_language_at_once_records_what_each_found() -> None:
    first, second = choose_two_languages_at_once()

    assert first[0] == {"language": ""}
    assert second[0] == first[1]
    assert second[1] == {"language": User.objects.get().language}


@pytest.mark.django_db(transaction=True)
def test_choose_language_without_the_lock_records_what_was_no_more(monkeypatch) -> None:
    """The control: both look before either writes, and the second event's "before" is wrong."""
    monkeypatch.setattr(customers, "lock_user", lambda user_id: User.objects.get(pk=user_id))

    events = choose_two_languages_at_once(hold=(customers, "lock_user"))

    assert [before for before, _after in events] == [{"language": ""}, {"language": ""}]
