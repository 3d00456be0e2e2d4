"""`manage.py doctor`: looks at what bites in operation and says how to mend it."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from config.doctor import broker, database, outside
from config.doctor.findings import Check, Verdict, examine

CHECKS: list[tuple[str, Check]] = [
    ("migrations", database.check_migrations),
    ("postgres durability", database.check_durability),
    ("postgres connections", database.check_connections),
    ("clock", database.check_clock),
    ("time zone", database.check_time_zone),
    ("redis", broker.check_redis),
    ("broker visibility", broker.check_visibility),
    ("workers", broker.check_workers),
    ("beat", broker.check_beat),
    ("callback address", outside.check_callbacks),
    ("payout provider", outside.check_provider),
    ("SMS credentials", outside.check_sms),
    ("secrets", outside.check_secrets),
]


class Command(BaseCommand):
    """Exit 1 when anything is at risk now."""

    help = "Looks at what bites in operation (broker, durability, clock, callbacks, secrets), each with its fix."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="machine-readable")

    def handle(self, *args: Any, **options: Any) -> None:
        findings = examine(CHECKS)
        if options["json"]:
            self.stdout.write(json.dumps([finding.as_dict() for finding in findings], indent=2))
        else:
            for finding in findings:
                self.stdout.write(f"{finding.verdict.value:>4}  {finding.name}: {finding.seen}")
                if finding.fix:
                    self.stdout.write(f"      fix: {finding.fix}")
        if any(finding.verdict == Verdict.FAIL for finding in findings):
            raise SystemExit(1)
