"""`manage.py generate_codes`: a batch, if it is new, and codes for it, at once and without a worker (contract 8)."""

import json
import time
from argparse import ArgumentTypeError
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from audit.context import acting
from configuration.selectors import current
from ledger.money import format_amount
from promos.codes import hyphenate
from promos.configuration import PromoRules
from promos.models import Batch, GenerationRun
from promos.refusals import PromoRefusal
from promos.selectors import batch_named, first_codes
from promos.services.batches import BatchNameTaken, create_batch
from promos.services.generation import order_codes, run_generation
from promos.statuses import RunStatus
from promos.terms import BatchTerms, default_expiration, end_of_day

MOST_PRINTED = 1_000


class Command(BaseCommand):
    help = "Make promo codes for a batch, which is created when it is new. Works at once, without a worker."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--batch", required=True, metavar="NAME", help="name of the batch, in any case")
        parser.add_argument("--count", required=True, type=int, metavar="N", help="how many codes")
        parser.add_argument("--amount", required=True, type=_amount, metavar="A", help="what each code pays")
        parser.add_argument("--currency", metavar="CUR", help="default: the batch's, else the one in the promo rules")
        parser.add_argument(
            "--expires",
            type=_day,
            metavar="YYYY-MM-DD",
            help="last day of a new batch, in the country's time zone; default: by the promo rules",
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        with acting(label="command:generate_codes"):
            try:
                batch = self._find_or_create(options)
                started = time.perf_counter()
                run = self._generate(batch, options)
            except PromoRefusal as refusal:
                raise CommandError(str(refusal)) from refusal
        self._print(batch, run, seconds=time.perf_counter() - started, as_json=options["json"])

    def _find_or_create(self, options: dict[str, Any]) -> Batch:
        batch = batch_named(options["batch"])
        if batch is None:
            try:
                return create_batch(terms=_terms(options), at=timezone.now())
            except BatchNameTaken:
                # Somebody made it this very moment.
                batch = batch_named(options["batch"])
                assert batch is not None
        _require_same(batch, options)
        return batch

    def _generate(self, batch: Batch, options: dict[str, Any]) -> GenerationRun:
        run = order_codes(
            batch_id=batch.pk, count=options["count"], amount=options["amount"], nudge=False, at=timezone.now()
        )
        run = run_generation(run_id=run.pk)
        if run.status != RunStatus.COMPLETED:
            raise CommandError(run.error_message or f"The run is {run.status}: {run.generated:,} codes made.")
        return run

    def _print(self, batch: Batch, run: GenerationRun, *, seconds: float, as_json: bool) -> None:
        codes = [hyphenate(code) for code in first_codes(run, most=MOST_PRINTED)]
        if as_json:
            facts = {
                "batchId": str(batch.pk),
                "batch": batch.name,
                "count": run.generated,
                "seconds": round(seconds, 3),
                "codes": codes,
            }
            self.stdout.write(json.dumps(facts))
            return
        amount = format_amount(run.amount, batch.currency)
        self.stdout.write(f"{run.generated:,} codes of {amount} for {batch.name} in {seconds:.1f} s.")
        self.stdout.write("\n".join(codes))
        if run.generated > len(codes):
            self.stdout.write(f"... and {run.generated - len(codes):,} more, in the back office.")


def _terms(options: dict[str, Any]) -> BatchTerms:
    rules = current(PromoRules)
    if options["expires"] is None:
        expiration = default_expiration(rules=rules, at=timezone.now())
    else:
        expiration = end_of_day(options["expires"], rules=rules)
    return BatchTerms(
        name=options["batch"],
        amount_per_code=options["amount"],
        currency=(options["currency"] or rules.default_currency).upper(),
        expiration_date=expiration,
    )


def _require_same(batch: Batch, options: dict[str, Any]) -> None:
    """A batch that exists keeps its terms; another currency or date on the command line would be lost silently."""
    if options["currency"] and options["currency"].upper() != batch.currency:
        raise CommandError(f"Batch {batch.name!r} is in {batch.currency}, not in {options['currency']}.")
    ends = batch.expiration_date.astimezone(current(PromoRules).zone).date()
    if options["expires"] and options["expires"] != ends:
        raise CommandError(f"Batch {batch.name!r} exists and expires on {ends}; change it in the back office first.")


def _amount(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        raise ArgumentTypeError(f"{text!r} is not an amount") from None


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is not a day such as 2026-12-31") from None
