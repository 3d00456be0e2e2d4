"""`manage.py verify_audit [--json]`: prove that the audit trail says what was written (architecture section 5)."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from audit.selectors import Breach, checked_rows, missing_guards, newest_event_id

# A trail that is wrong everywhere is reported by its first breaches and their count.
MOST_LISTED = 1000


class Command(BaseCommand):
    """Exit status 0 when all is well, 1 on a breach."""

    help = "Check the hash of every audit event and the triggers that keep the trail append-only."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="Print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        breaches = missing_guards()
        count, checked = len(breaches), 0
        # Events written from now on are the next run's.
        for _event_id, breach in checked_rows(up_to_id=newest_event_id()):
            checked += 1
            if breach:
                count += 1
                if len(breaches) < MOST_LISTED:
                    breaches.append(breach)
        self._report(breaches, count=count, checked=checked, as_json=options["json"])
        if count:
            raise CommandError(f"{count} breach{'' if count == 1 else 'es'} in the audit trail.", returncode=1)

    def _report(self, breaches: list[Breach], *, count: int, checked: int, as_json: bool) -> None:
        if as_json:
            found = {
                "ok": not count,
                "checked": checked,
                "breachCount": count,
                "breaches": [asdict(breach) for breach in breaches],
            }
            self.stdout.write(json.dumps(found))
            return
        for breach in breaches:
            self.stdout.write(f"{breach.where}: {breach.what}")
        if not count:
            self.stdout.write(f"All well: {checked} events, every hash matches, every guard in place.")
