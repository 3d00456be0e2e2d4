"""`manage.py check_invariants [--json]`: asks the stored rows whether anything that must never be has happened."""

import json
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from ledger.invariants import Breach, registered_invariants


class Command(BaseCommand):
    help = "Check every money invariant against the stored rows. Exit status 1 when one is broken."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print JSON instead of words")

    def handle(self, *args: Any, **options: Any) -> None:
        started = time.monotonic()
        found = {name: list(check()) for name, check in registered_invariants().items()}
        seconds = round(time.monotonic() - started, 2)
        broken = sum(1 for breaches in found.values() if breaches)
        if options["json"]:
            self.stdout.write(json.dumps(_document(found, seconds), indent=2))
        else:
            self._print(found, seconds)
        if broken:
            raise CommandError(f"{broken} of {len(found)} invariants are broken.", returncode=1)

    def _print(self, found: dict[str, list[Breach]], seconds: float) -> None:
        for name, breaches in found.items():
            self.stdout.write(f"{'BROKEN' if breaches else 'ok':8}{name}")
            for breach in breaches:
                self.stdout.write(f"        {breach.subject}: {breach.detail}")
        self.stdout.write(f"{len(found)} invariants, {seconds} s")


def _document(found: dict[str, list[Breach]], seconds: float) -> dict[str, Any]:
    return {
        "ok": not any(found.values()),
        "seconds": seconds,
        "invariants": [
            {
                "name": name,
                "ok": not breaches,
                "breaches": [{"subject": breach.subject, "detail": breach.detail} for breach in breaches],
            }
            for name, breaches in found.items()
        ],
    }
