"""`manage.py rotate_api_token --partner EMAIL`: a new token for a partner; the old one works for a while longer."""

from argparse import ArgumentParser
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts.management.showing import token_as_json, token_in_words
from accounts.models import ApiToken
from accounts.services.token_requests import TokenRefused
from accounts.services.token_rotation import DEFAULT_OVERLAP, rotate_token
from accounts.statuses import TokenStatus
from audit.context import acting


class Command(BaseCommand):
    """Names the token by its partner or by its first eight characters. The operator acts as the system."""

    help = "Replace a partner's API token: show a new one, once, and let the old one work until a chosen time."

    def add_arguments(self, parser: ArgumentParser) -> None:
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument("--partner", metavar="EMAIL", help="The active token of this partner")
        which.add_argument("--prefix", help="The token that starts with these eight characters")
        until = parser.add_mutually_exclusive_group()
        until.add_argument("--overlap-hours", type=float, help="Hours that both work (24); 0: the old one stops now")
        until.add_argument("--until", type=_moment, metavar="TIME", help="ISO 8601, UTC unless it says otherwise")
        parser.add_argument("--days", type=int, help="Days until the new one expires (as many as the old one had)")
        parser.add_argument("--reason", default="", help="Why, for the audit trail")
        parser.add_argument("--json", action="store_true", help="Print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        at = timezone.now()
        hours = options["overlap_hours"]
        try:
            overlap = DEFAULT_OVERLAP if hours is None else timedelta(hours=hours)
            with acting(label="command:rotate_api_token"):
                token, plain = rotate_token(
                    token_id=_find(options["partner"], options["prefix"]).pk,
                    until=options["until"] or at + overlap,
                    days=options["days"],
                    reason=options["reason"],
                    rotated_by=None,
                    at=at,
                )
        except (TokenRefused, OverflowError, ValueError) as refusal:
            raise CommandError(str(refusal)) from refusal
        self.stdout.write(token_as_json(token, plain) if options["json"] else token_in_words(token, plain))


def _find(partner: str | None, prefix: str | None) -> ApiToken:
    found = ApiToken.objects.filter(status=TokenStatus.ACTIVE)
    if partner:
        found = found.filter(partner_email__iexact=partner.strip(), retires_at__isnull=True)
    else:
        found = found.filter(prefix=(prefix or "").strip().lower())
    token = found.order_by("pk").first()
    if token is None:
        raise CommandError("No such active token.")
    return token


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
