"""What time does to batches and codes: expire, revive after a later date, complete. Run by `promos.expire_due`.

Safe to run twice, and beside itself: every step locks, looks again, or takes only rows nobody holds.
"""

from collections import Counter
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from audit.services import Act, record_many
from configuration.selectors import current
from promos.configuration import PromoRules
from promos.locks import lock_free_codes
from promos.models import PromoCode
from promos.selectors import batches_past_date, batches_used_up, batches_with, codes_to_expire, codes_to_revive
from promos.services.batch_status import complete_batch, expire_batch
from promos.statuses import BatchStatus, CodeStatus

# Codes changed in one transaction: short enough not to hold up a redemption or a vacuum.
CHUNK = 5_000


def keep_up(*, at: datetime) -> dict[str, int]:
    """Bring every batch and code to where dates and redemptions put it; what was done, in numbers."""
    cutoff = at - current(PromoRules).grace
    past = list(batches_past_date(cutoff).values_list("pk", flat=True))
    done = {"batches_expired": sum(expire_batch(batch_id=batch_id, at=at) for batch_id in past)}
    done["codes_expired"] = _expire_codes(cutoff, at=at)
    done["codes_revived"] = _revive_codes(cutoff, at=at)
    used_up = list(batches_used_up(cutoff).values_list("pk", flat=True))
    done["batches_completed"] = sum(complete_batch(batch_id=batch_id, at=at) for batch_id in used_up)
    return done


def _expire_codes(cutoff: datetime, *, at: datetime) -> int:
    """Codes of expired batches, and those whose own date is over."""
    to_expire = codes_to_expire(cutoff)
    total = 0
    for batch in batches_with(to_expire, status=BatchStatus.EXPIRED):
        total += _move_codes(Q(batch=batch) & to_expire, CodeStatus.EXPIRED, action="promo.codes.expired", at=at)
    own_date = Q(status=CodeStatus.ACTIVE, expires_at__isnull=False, expires_at__lte=cutoff)
    return total + _move_codes(own_date, CodeStatus.EXPIRED, action="promo.codes.expired", at=at)


def _revive_codes(cutoff: datetime, *, at: datetime) -> int:
    """Codes of batches that were given a later date."""
    to_revive = codes_to_revive(cutoff)
    total = 0
    for batch in batches_with(to_revive, status=BatchStatus.ACTIVE):
        total += _move_codes(Q(batch=batch) & to_revive, CodeStatus.ACTIVE, action="promo.codes.revived", at=at)
    return total


def _move_codes(which: Q, status: CodeStatus, *, action: str, at: datetime) -> int:
    """Move such codes in chunks, one event per batch and chunk; how many moved."""
    total = 0
    while True:
        with transaction.atomic():
            found = lock_free_codes(which, most=CHUNK)
            if not found:
                return total
            PromoCode.objects.filter(pk__in=[pk for pk, _batch in found]).update(status=status)
            counts: Counter[UUID] = Counter(batch_id for _pk, batch_id in found)
            record_many(
                [
                    Act(action=action, target=("promos.batch", batch_id), after={"codes": number, "status": status})
                    for batch_id, number in counts.items()
                ],
                at=at,
            )
        total += len(found)
