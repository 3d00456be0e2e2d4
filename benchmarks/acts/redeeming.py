"""Redeeming in process: the service alone, without HTTP; and what redemptions left behind."""

import time
import uuid

from django.utils import timezone

from accounts.models import User
from disbursements.models import Disbursement
from disbursements.statuses import DisbursementStatus
from promos.models import Redemption
from promos.services.redemptions import redeem_code
from promos.statuses import Outcome


def redeem(*, codes: list[str], phones: list[str], warm_up: int = 0) -> list[float]:
    """Redeem each code for the customer beside it, one after another; the seconds of each after the first `warm_up`."""
    customers = dict(User.objects.filter(phone__in=phones).values_list("phone", "pk"))
    seconds = []
    for code, phone in zip(codes, phones, strict=True):
        before = time.perf_counter()
        result = redeem_code(
            customer_id=customers[phone],
            phone=phone,
            typed=code,
            idempotency_key=f"bench:{uuid.uuid4().hex}",
            at=timezone.now(),
        )
        seconds.append(time.perf_counter() - before)
        if result.outcome != Outcome.REDEEMED:
            raise RuntimeError(f"a good code came to {result.outcome} {result.reason}")
    return seconds[warm_up:]


def count_redemptions() -> dict[str, int]:
    """Redemptions stored, and payouts queued for them."""
    return {
        "redemptions": Redemption.objects.count(),
        "payouts": Disbursement.objects.filter(status=DisbursementStatus.QUEUED).count(),
    }
