"""How often tokens were used, and when last: kept in bulk, after the answers have gone out."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import connection
from django.db.models import Q

from accounts.models import ApiToken

# How coarsely a token's last use is kept.
LAST_USE_EVERY = timedelta(minutes=1)
# In the order of the key, so that two processes never wait for each other in a circle; without tokens that are gone.
_ADD = """
INSERT INTO accounts_token_usage AS kept (token_id, day, requests, refused)
SELECT noted.token_id, noted.day, noted.requests, noted.refused
FROM unnest(%s::bigint[], %s::date[], %s::bigint[], %s::bigint[]) AS noted (token_id, day, requests, refused)
JOIN accounts_api_token ON accounts_api_token.id = noted.token_id
ORDER BY noted.token_id, noted.day
ON CONFLICT (token_id, day) DO UPDATE
SET requests = kept.requests + EXCLUDED.requests, refused = kept.refused + EXCLUDED.refused
"""


@dataclass
class Counts:
    """Requests of one token on one day (UTC); `refused` of them were over its limit."""

    requests: int = 0
    refused: int = 0


def add_usage(counts: Mapping[tuple[int, date], Counts]) -> None:
    """Add the counts, by token and day, to those kept: one statement, which counts all of them or none."""
    with connection.cursor() as cursor:
        cursor.execute(
            _ADD,
            [
                [token_id for token_id, _day in counts],
                [day for _token_id, day in counts],
                [count.requests for count in counts.values()],
                [count.refused for count in counts.values()],
            ],
        )


def is_use_due(token: ApiToken, *, at: datetime) -> bool:
    """Whether the row, as read, lacks a use of the last minute."""
    return token.last_used_at is None or token.last_used_at <= at - LAST_USE_EVERY


def note_token_use(*, token_id: int, at: datetime) -> bool:
    """Keep when the token was last used, at most once a minute whoever asks; whether it was kept now."""
    due = Q(last_used_at__isnull=True) | Q(last_used_at__lte=at - LAST_USE_EVERY)
    return bool(ApiToken.objects.filter(due, pk=token_id).update(last_used_at=at))
