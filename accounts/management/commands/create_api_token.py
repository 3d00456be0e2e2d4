"""`manage.py create_api_token --partner EMAIL --scopes ussd,loans`: give a partner a token (contract section 8)."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts.services import tokens
from accounts.statuses import TokenScope
from audit.context import acting


class Command(BaseCommand):
    """The operator of the machine acts as the system; in the back office only Super Administrators do this."""

    help = "Make an API token for a partner and show it, once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--partner", required=True, metavar="EMAIL", help="The partner's e-mail address")
        parser.add_argument("--scopes", required=True, help=f"Comma separated: {','.join(TokenScope.values)}")
        parser.add_argument("--days", type=int, default=tokens.DEFAULT_DAYS, help="Days until it expires (30)")
        parser.add_argument("--gateway", default="", metavar="SLUG", help="Gateway whose format the partner speaks")
        parser.add_argument("--json", action="store_true", help="Print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with acting(label="command:create_api_token"):
                token, plain = tokens.create_token(
                    partner_email=options["partner"],
                    scopes=options["scopes"].split(","),
                    days=options["days"],
                    gateway=options["gateway"],
                    created_by=None,
                    at=timezone.now(),
                )
        except tokens.TokenRefused as refusal:
            raise CommandError(str(refusal)) from refusal
        if options["json"]:
            shown = {
                "partner": token.partner_email,
                "token": plain,
                "prefix": token.prefix,
                "scopes": token.scopes,
                "gateway": token.gateway,
                "expiresAt": token.expires_at.isoformat().replace("+00:00", "Z"),
            }
            self.stdout.write(json.dumps(shown))
            return
        self.stdout.write(f"Token for {token.partner_email}, scopes {', '.join(token.scopes)}:")
        self.stdout.write(plain)
        self.stdout.write(f"It expires on {token.expires_at:%Y-%m-%d}. It is not stored: keep it now.")
