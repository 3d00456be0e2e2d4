"""`manage.py create_api_token --partner EMAIL --scopes ussd,loans`: give a partner a token (contract section 8)."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts.address_lists import split_list
from accounts.management.showing import token_as_json, token_in_words
from accounts.services.token_requests import DEFAULT_DAYS, DEFAULT_RATE_LIMIT, TokenRefused
from accounts.services.tokens import create_token
from accounts.statuses import TokenScope
from audit.context import acting


class Command(BaseCommand):
    """The operator of the machine acts as the system; in the back office only Super Administrators do this."""

    help = "Make an API token for a partner and show it, once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--partner", required=True, metavar="EMAIL", help="The partner's e-mail address")
        parser.add_argument("--scopes", required=True, help=f"Comma separated: {','.join(TokenScope.values)}")
        parser.add_argument("--days", type=int, default=DEFAULT_DAYS, help="Days until it expires (30)")
        parser.add_argument("--gateway", default="", metavar="SLUG", help="Gateway whose format the partner speaks")
        parser.add_argument("--limit", type=int, default=DEFAULT_RATE_LIMIT, help="Requests a minute (1000)")
        parser.add_argument(
            "--allow-from",
            default="",
            metavar="LIST",
            help="Addresses or networks it may be used from, comma separated",
        )
        parser.add_argument("--json", action="store_true", help="Print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with acting(label="command:create_api_token"):
                token, plain = create_token(
                    partner_email=options["partner"],
                    scopes=options["scopes"].split(","),
                    days=options["days"],
                    gateway=options["gateway"],
                    rate_limit=options["limit"],
                    allowed_ips=split_list(options["allow_from"]),
                    created_by=None,
                    at=timezone.now(),
                )
        except TokenRefused as refusal:
            raise CommandError(str(refusal)) from refusal
        self.stdout.write(token_as_json(token, plain) if options["json"] else token_in_words(token, plain))
