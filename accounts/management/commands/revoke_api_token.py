"""`manage.py revoke_api_token --partner EMAIL`: shut a partner's token out from the next request on."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts.models import ApiToken
from accounts.services import tokens
from accounts.statuses import TokenStatus
from audit.context import acting


class Command(BaseCommand):
    """Names the token by its partner or by its first eight characters."""

    help = "Revoke a partner's API tokens, at once and for ever."

    def add_arguments(self, parser: ArgumentParser) -> None:
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument("--partner", metavar="EMAIL", help="Every token of this partner that is not revoked yet")
        which.add_argument("--prefix", help="The token that starts with these eight characters")
        parser.add_argument("--reason", default="", help="Why, for the audit trail")
        parser.add_argument("--json", action="store_true", help="Print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        found = ApiToken.objects.exclude(status=TokenStatus.REVOKED).order_by("pk")
        if options["partner"]:
            found = found.filter(partner_email__iexact=options["partner"].strip())
        else:
            found = found.filter(prefix=options["prefix"].strip().lower())
        rows = list(found)
        if not rows:
            raise CommandError("No such token that is not revoked yet.")
        with acting(label="command:revoke_api_token"):
            revoked = [
                tokens.revoke_token(token_id=row.pk, reason=options["reason"], at=timezone.now()) for row in rows
            ]
        if options["json"]:
            shown = [{"partner": token.partner_email, "prefix": token.prefix} for token in revoked]
            self.stdout.write(json.dumps({"revoked": shown}))
            return
        for token in revoked:
            self.stdout.write(f"Revoked {token.prefix}… of {token.partner_email}.")
