"""`manage.py doctor`: looks at what bites in operation and says how to mend it."""

import json
import logging
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from config.doctor import broker, database, outside, secrets
from config.doctor.findings import Group, Verdict, examine

GROUPS = [
    Group(
        "postgres",
        reach=database.reach_postgres,
        fix="Start PostgreSQL, or correct DATABASE_URL.",
        checks=(
            database.check_migrations,
            database.check_durability,
            database.check_connections,
            database.check_clock,
            database.check_time_zone,
            broker.check_beat,
            outside.check_accounts,
            outside.check_provider,
            outside.check_collections,
            outside.check_sandbox,
            outside.check_sms,
            secrets.check_stored_secrets,
        ),
    ),
    Group(
        "redis",
        reach=broker.reach_redis,
        fix="Start Redis or Valkey, or correct REDIS_URL and REDIS_SESSION_URL.",
        checks=(broker.check_redis,),
    ),
    Group(
        "broker",
        reach=broker.reach_broker,
        fix="Start the broker, or correct REDIS_BROKER_URL (without it REDIS_URL counts).",
        checks=(broker.check_workers,),
    ),
    Group("settings", checks=(broker.check_visibility, outside.check_callbacks, secrets.check_secret_key)),
]


class Command(BaseCommand):
    """Exit 1 when anything is at risk now."""

    help = "Looks at what bites in operation (broker, durability, clock, callbacks, secrets), each with its fix."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="machine-readable")

    def handle(self, *args: Any, **options: Any) -> None:
        # The findings say what is away; the pool's own lines would stand between them.
        logging.getLogger("psycopg.pool").setLevel(logging.ERROR)
        findings = examine(GROUPS)
        if options["json"]:
            self.stdout.write(json.dumps([finding.as_dict() for finding in findings], indent=2))
        else:
            for finding in findings:
                self.stdout.write(f"{finding.verdict.value:>4}  {finding.name}: {finding.seen}")
                if finding.fix:
                    self.stdout.write(f"      fix: {finding.fix}")
        if any(finding.verdict == Verdict.FAIL for finding in findings):
            raise SystemExit(1)
