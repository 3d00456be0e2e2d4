"""What staff do with codes: block, report, unblock, one or many at once (spec 5, section 2.3)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from audit.services import Act, record_many
from configuration.selectors import current
from promos.configuration import PromoRules
from promos.locks import lock_batch, lock_codes
from promos.models import PromoCode
from promos.refusals import PromoRefusal
from promos.services.batch_status import reopen_batch
from promos.statuses import CodeStatus

MOST_AT_ONCE = 1_000


class TooManyCodes(PromoRefusal):
    """More codes than one act may change: they are locked together."""

    code = "TOO_MANY_CODES"


@dataclass(frozen=True)
class CodesChanged:
    """How many codes moved, and how many were left because their status does not allow it."""

    changed: int
    left: int


def block_codes(*, code_ids: Sequence[int], reason: str, at: datetime) -> CodesChanged:
    """Stop codes that are active, expired or reported. Used and redeemed ones are left: their money is promised.

    Raises TooManyCodes.
    """

    def block(code: PromoCode) -> CodeStatus:
        code.blocked_at = at
        return CodeStatus.BLOCKED

    return _change(code_ids, block, action="promo.code.blocked", reason=reason, at=at)


def report_codes(*, code_ids: Sequence[int], reason: str, at: datetime) -> CodesChanged:
    """Mark codes as suspicious; they are refused until somebody has looked. Used and redeemed ones are left.

    Raises TooManyCodes.
    """

    def report(code: PromoCode) -> CodeStatus:
        code.reported_at = at
        return CodeStatus.REPORTED

    return _change(code_ids, report, action="promo.code.reported", reason=reason, at=at)


def unblock_codes(*, code_ids: Sequence[int], reason: str, at: datetime) -> CodesChanged:
    """Let blocked and reported codes be redeemed again, unless their date is over: then they are expired.

    A completed batch that gets a code back is active again. Raises TooManyCodes.
    """
    cutoff = at - current(PromoRules).grace

    def unblock(code: PromoCode) -> CodeStatus | None:
        if code.status not in {CodeStatus.BLOCKED, CodeStatus.REPORTED}:
            return None
        code.blocked_at = code.reported_at = None
        over = (code.expires_at or code.batch.expiration_date) <= cutoff
        return CodeStatus.EXPIRED if over else CodeStatus.ACTIVE

    with transaction.atomic():
        result = _change(code_ids, unblock, action="promo.code.unblocked", reason=reason, at=at)
        revived = PromoCode.objects.filter(pk__in=code_ids, status=CodeStatus.ACTIVE)
        for batch_id in sorted(set(revived.order_by().values_list("batch_id", flat=True))):
            reopen_batch(batch=lock_batch(batch_id), at=at)
    return result


def _change(
    code_ids: Sequence[int],
    move: Callable[[PromoCode], CodeStatus | None],
    *,
    action: str,
    reason: str,
    at: datetime,
) -> CodesChanged:
    """Lock the codes, move those that may, with one event each; `move` stamps a code and names its new status."""
    if len(code_ids) > MOST_AT_ONCE:
        raise TooManyCodes(f"At most {MOST_AT_ONCE:,} codes at once.")
    acts: list[Act] = []
    moved: list[PromoCode] = []
    with transaction.atomic():
        codes = lock_codes(code_ids)
        for code in codes:
            before: Any = code.status
            status = move(code)
            if status is None or status not in CodeStatus.MOVES[before]:
                continue
            code.status = status
            moved.append(code)
            acts.append(
                Act(action=action, target=code, before={"status": before}, after={"status": status}, reason=reason)
            )
        if moved:
            PromoCode.objects.bulk_update(moved, ["status", "blocked_at", "reported_at"])
            record_many(acts, at=at)
    return CodesChanged(changed=len(moved), left=len(codes) - len(moved))
