"""Customers: registered at their first dial, speaking the language they chose."""

from datetime import datetime

from django.contrib.auth.hashers import make_password
from django.db import transaction

from accounts.locks import lock_user
from accounts.models import User
from accounts.statuses import Language
from audit import services as audit


class UnknownLanguage(ValueError):
    """The language is not one we have words in."""

    code = "UNKNOWN_LANGUAGE"


def register_customer(*, phone: str, network: str = "", at: datetime) -> User:
    """The customer with this number (E.164, from `parse_phone`), made when there is none.

    Safe when many ask at once: one row, one `customer.registered` event, everybody gets the same customer.
    A known customer costs one SELECT, and one UPDATE when another network now serves the phone.
    """
    customer = _find(phone)
    if customer is not None:
        _note_network(customer, network=network, at=at)
        return customer
    new = User(phone=phone, network=network, password=make_password(None))
    with transaction.atomic():
        _insert_unless_known(new)
        customer = User.objects.get(phone=phone)
        if customer.pk == new.pk:
            audit.record("customer.registered", target=customer, after={"phone": phone, "network": network}, at=at)
    return customer


def _find(phone: str) -> User | None:
    return User.objects.filter(phone=phone).first()


def _insert_unless_known(new: User) -> None:
    """INSERT … ON CONFLICT DO NOTHING: waits for a simultaneous insert and then leaves its row alone."""
    User.objects.bulk_create([new], ignore_conflicts=True)


def _note_network(customer: User, *, network: str, at: datetime) -> None:
    if network and customer.network != network:
        User.objects.filter(pk=customer.pk).update(network=network, updated_at=at)
        customer.network = network


def choose_language(*, customer: User, language: str, at: datetime) -> None:
    """From now on the customer reads `language`; `customer` is changed to match. Choosing it again changes nothing.

    Raises UnknownLanguage.
    """
    if language not in Language.values:
        raise UnknownLanguage(f"There are no words in {language!r}; choose one of {', '.join(Language.values)}.")
    with transaction.atomic():
        stored = lock_user(customer.pk)
        if stored.language != language:
            User.objects.filter(pk=stored.pk).update(language=language, updated_at=at)
            audit.record(
                "customer.language_chosen",
                target=stored,
                before={"language": stored.language},
                after={"language": language},
                at=at,
            )
    customer.language = language
