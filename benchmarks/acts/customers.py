"""Customers who dialled before and chose a language."""

from accounts.models import User
from accounts.networks import network_of
from accounts.statuses import Language
from benchmarks.stock import phone


def add_customers(*, first: int, count: int) -> None:
    """Customers number `first` and up, in bulk: how they came is not what is measured."""
    phones = [phone(number) for number in range(first, first + count)]
    User.objects.bulk_create(
        [
            User(phone=number, network=network_of(number), language=Language.ENGLISH, password="!unusable")
            for number in phones
        ],
        batch_size=5_000,
    )
