"""`manage.py record_float_top_up`: enters money that was put into our account at a provider."""

from decimal import Decimal, InvalidOperation
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts.models import User
from ledger.money import UnknownCurrency, format_amount
from ledger.services import InvalidPosting, PostingConflict, record_float_top_up


class Command(BaseCommand):
    help = "Enter money put into the float at a provider. The bank's reference is entered once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--provider", default="mtn_momo")
        parser.add_argument("--amount", required=True)
        parser.add_argument("--currency", default="RWF")
        parser.add_argument("--reference", required=True, help="the bank's reference of the transfer")
        parser.add_argument("--by", required=True, help="e-mail address of the staff member who enters it")

    def handle(self, *args: Any, **options: Any) -> None:
        person = User.objects.filter(email=options["by"].lower(), is_staff=True, is_active=True).first()
        if person is None:
            raise CommandError(f"No staff member has the address {options['by']}.")
        try:
            amount = Decimal(options["amount"])
            record_float_top_up(
                provider=options["provider"],
                amount=amount,
                currency=options["currency"],
                reference=options["reference"],
                by=person,
                at=timezone.now(),
            )
        except InvalidOperation:
            raise CommandError(f"{options['amount']} is not an amount.") from None
        except (InvalidPosting, PostingConflict, UnknownCurrency) as refusal:
            raise CommandError(str(refusal)) from None
        self.stdout.write(f"{format_amount(amount, options['currency'])} entered for {options['provider']}.")
