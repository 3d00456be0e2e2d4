"""What a payout's outcome means for its redemption, code and customer: the owner of purpose `promo`.

Called inside the settlement's transaction, after the disbursement row is locked; each may be called again and then
changes nothing. The customer's SMS is queued in the same transaction.
"""

from datetime import datetime

from audit.services import record
from disbursements.models import Disbursement
from ledger.money import format_amount
from notifications.services import send_sms
from promos.codes import hyphenate
from promos.locks import lock_redemption_of
from promos.models import Redemption
from promos.services.budgets import give_back_to_budget
from promos.services.redemptions import PURPOSE
from promos.statuses import CodeStatus, RedemptionStatus

PAID = "promo.paid"
PAYMENT_FAILED = "promo.payment_failed"
PAYMENT_CANCELLED = "promo.payment_cancelled"


class PromoPayouts:
    """Owner of the payouts of redeemed codes (`disbursements.owners`)."""

    purpose = PURPOSE

    def on_paid(self, disbursement: Disbursement, at: datetime) -> None:
        """The money arrived: redemption completed, code redeemed, customer told."""
        redemption = lock_redemption_of(disbursement.pk)
        if redemption.status == RedemptionStatus.COMPLETED:
            return
        code = redemption.promo_code
        code.status = CodeStatus.REDEEMED
        code.redeemed_at = at
        code.save(update_fields=["status", "redeemed_at"])
        redemption.completed_at = at
        _move(redemption, RedemptionStatus.COMPLETED, action="promo.redemption.paid", at=at)
        _tell(redemption, PAID, key=f"promo:{redemption.pk}:paid", at=at)

    def on_failed(self, disbursement: Disbursement, at: datetime) -> None:
        """The payout failed for good: visible and retryable, the code stays used, the customer is told."""
        redemption = lock_redemption_of(disbursement.pk)
        if redemption.status != RedemptionStatus.PENDING:
            return
        redemption.error_code = disbursement.error_code
        redemption.error_message = disbursement.error_message
        _move(redemption, RedemptionStatus.FAILED, action="promo.redemption.failed", at=at)
        # A retry that fails again is told again.
        key = f"promo:{redemption.pk}:failed:{disbursement.reserve_number}"
        _tell(redemption, PAYMENT_FAILED, key=key, at=at)

    def on_retried(self, disbursement: Disbursement, at: datetime) -> None:
        """Staff asked for the payout again: under way as before."""
        redemption = lock_redemption_of(disbursement.pk)
        if redemption.status != RedemptionStatus.FAILED:
            return
        _move(redemption, RedemptionStatus.PENDING, action="promo.redemption.retried", at=at)

    def on_cancelled(self, disbursement: Disbursement, at: datetime) -> None:
        """Staff stopped the payout before it was sent: the amount returns to the budget, the code stays used.

        The customer is told, because they were promised the money.
        """
        redemption = lock_redemption_of(disbursement.pk)
        if redemption.status != RedemptionStatus.PENDING:
            return
        _move(redemption, RedemptionStatus.CANCELLED, action="promo.redemption.cancelled", at=at)
        give_back_to_budget(batch_id=redemption.batch_id, amount=redemption.amount)
        _tell(redemption, PAYMENT_CANCELLED, key=f"promo:{redemption.pk}:cancelled", at=at)


def _move(redemption: Redemption, status: RedemptionStatus, *, action: str, at: datetime) -> None:
    """Change the status, make it news, record it. An error is kept only while it stands."""
    before = redemption.status
    assert status in RedemptionStatus.MOVES[before], f"{before} to {status}"
    redemption.status = status
    redemption.announced_at = None
    if status != RedemptionStatus.FAILED:
        redemption.error_code = redemption.error_message = ""
    redemption.save(update_fields=["status", "completed_at", "error_code", "error_message", "announced_at"])
    record(
        action,
        target=redemption,
        before={"status": before},
        after={
            "status": redemption.status,
            "code": redemption.promo_code_id,
            "code_status": redemption.promo_code.status,
            "disbursement": str(redemption.disbursement_id),
            "error_code": redemption.error_code,
        },
        at=at,
    )


def _tell(redemption: Redemption, template: str, *, key: str, at: datetime) -> None:
    send_sms(
        to=redemption.phone,
        template=template,
        language=redemption.customer.language or "en",
        context={
            "amount": format_amount(redemption.amount, redemption.currency),
            # The first part tells customers which paper it was and is of no use to others.
            "code": hyphenate(redemption.promo_code.code)[:4],
        },
        key=key,
        at=at,
    )
