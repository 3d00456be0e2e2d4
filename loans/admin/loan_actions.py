"""What people do about a loan from its page, each by a permission of its own; and the dialog that makes one."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from unfold.decorators import action
from unfold.forms import BaseDialogForm

from accounts.admin.acting import acting_user
from audit.admin_lists import row_named
from disbursements.statuses import DisbursementStatus
from loans.admin.dialogs import ReasonForm, ask, carry_out
from loans.admin.repayment_forms import LoanForm, RepaymentForm
from loans.models import Loan
from loans.refusals import LendingRefusal
from loans.services.repayments import PAYABLE, record_repayment
from loans.services.staff_loans import (
    approve_loan,
    cancel_loan,
    create_loan,
    disburse_loan,
    reject_loan,
    retry_payout,
)
from loans.services.write_offs import write_off_loan
from loans.statuses import LoanStatus, RepaymentChannel

PAGE = "admin:loans_loan_change"
LOAN_ACTIONS = ("repay", "approve", "reject", "pay_out", "retry", "cancel", "write_off")
LIST_ACTIONS = ("make_loan",)


class LoanActions:
    """Beside an admin of loans. The permissions here are for the buttons; the services decide."""

    def has_repay_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        return self._may(request, "loans.add_repayment", object_id, status__in=PAYABLE)

    def has_approve_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        return self._may(request, "loans.approve_loan", object_id, status=LoanStatus.PENDING)

    def has_pay_out_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        waiting = {"status": LoanStatus.APPROVED, "disbursement__isnull": True}
        return self._may(request, "loans.disburse_loan", object_id, **waiting)

    def has_retry_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        failed = {"status": LoanStatus.APPROVED, "disbursement__status": DisbursementStatus.FAILED}
        return self._may(request, "loans.disburse_loan", object_id, **failed)

    def has_cancel_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        early = {"status__in": [LoanStatus.PENDING, LoanStatus.APPROVED]}
        return self._may(request, "loans.disburse_loan", object_id, **early)

    def has_write_off_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        return self._may(request, "loans.write_off_loan", object_id, status__in=LoanStatus.OWED)

    def has_make_loan_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        return request.user.has_perm("loans.add_loan")

    def _may(self, request: HttpRequest, permission: str, object_id: str, **where: Any) -> bool:
        return request.user.has_perm(permission) and row_named(Loan, object_id).filter(**where).exists()

    @action(
        description="Record repayment",
        permissions=["repay"],
        icon="add_card",
        dialog=ask(
            "Record repayment",
            "Booked at once. What the loan does not need goes to the customer's other loans, or is held for them.",
            RepaymentForm,
        ),
    )
    def repay(self, request: HttpRequest, form: Form, object_id: str) -> HttpResponse:
        """Book money that came in."""
        said, now = form.cleaned_data, timezone.now()
        try:
            loan = Loan.objects.get(pk=object_id)
            result = record_repayment(
                loan_id=loan.pk,
                currency=loan.currency,
                channel=RepaymentChannel.STAFF,
                entered_by=acting_user(request),
                at=now,
                **{name: said[name] for name in ("amount", "rail", "reference", "received_at", "note")},
            )
        except LendingRefusal as refusal:
            messages.error(request, str(refusal))
        else:
            words = "Repayment booked." if result.is_new else "This repayment was booked before: nothing was changed."
            messages.success(request, words)
        return HttpResponse(headers={"HX-Redirect": reverse(PAGE, args=[object_id])})

    @action(
        description="Approve",
        permissions=["approve"],
        icon="done_all",
        dialog=ask("Approve", "The loan may be paid out afterwards. Who made it cannot approve it.", BaseDialogForm),
    )
    def approve(self, request: HttpRequest, form: Form, object_id: str) -> HttpResponse:
        """The second person lets it go on."""
        return self._carry_out(
            request,
            object_id,
            lambda loan: approve_loan(loan_id=loan, approved_by=acting_user(request), at=timezone.now()),
            "Approved. It can be paid out now.",
        )

    @action(
        description="Reject",
        permissions=["approve"],
        icon="thumb_down",
        dialog=ask("Reject", "The loan is not made. The customer may ask again.", ReasonForm),
    )
    def reject(self, request: HttpRequest, form: Form, object_id: str) -> HttpResponse:
        """The second person refuses."""
        person, reason = acting_user(request), form.cleaned_data["reason"]
        return self._carry_out(
            request,
            object_id,
            lambda loan: reject_loan(loan_id=loan, rejected_by=person, reason=reason, at=timezone.now()),
            "Rejected.",
        )

    @action(
        description="Pay out",
        permissions=["pay_out"],
        icon="send_money",
        dialog=ask("Pay out", "The money is sent to the customer's phone. Its days begin now.", BaseDialogForm),
    )
    def pay_out(self, request: HttpRequest, form: Form, object_id: str) -> HttpResponse:
        """Ask for the payout of an approved loan."""
        return self._carry_out(
            request,
            object_id,
            lambda loan: disburse_loan(loan_id=loan, disbursed_by=acting_user(request), at=timezone.now()),
            "The payout is on its way.",
        )

    @action(
        description="Retry payout",
        permissions=["retry"],
        icon="replay",
        dialog=ask(
            "Retry payout",
            "If the provider may know of it already, it is asked first: nothing is paid twice.",
            ReasonForm,
        ),
    )
    def retry(self, request: HttpRequest, form: Form, object_id: str) -> HttpResponse:
        """Set a failed payout going again."""
        person, reason = acting_user(request), form.cleaned_data["reason"]
        return self._carry_out(
            request,
            object_id,
            lambda loan: retry_payout(loan_id=loan, requested_by=person, reason=reason, at=timezone.now()),
            "Queued again.",
        )

    @action(
        description="Cancel loan",
        permissions=["cancel"],
        icon="block",
        dialog=ask("Cancel loan", "Only while nothing was sent: the customer gets and owes nothing.", ReasonForm),
    )
    def cancel(self, request: HttpRequest, form: Form, object_id: str) -> HttpResponse:
        """Call the loan off, and its payout with it."""
        person, reason = acting_user(request), form.cleaned_data["reason"]
        return self._carry_out(
            request,
            object_id,
            lambda loan: cancel_loan(loan_id=loan, cancelled_by=person, reason=reason, at=timezone.now()),
            "Cancelled.",
        )

    @action(
        description="Write off",
        permissions=["write_off"],
        icon="delete_forever",
        dialog=ask(
            "Write off",
            "What is outstanding becomes a loss and the customer's score falls. What still comes in is a recovery.",
            ReasonForm,
        ),
    )
    def write_off(self, request: HttpRequest, form: Form, object_id: str) -> HttpResponse:
        """Give the loan up."""
        person, reason = acting_user(request), form.cleaned_data["reason"]
        return self._carry_out(
            request,
            object_id,
            lambda loan: write_off_loan(loan_id=loan, written_off_by=person, reason=reason, at=timezone.now()),
            "Written off.",
        )

    @action(
        description="Make loan",
        permissions=["make_loan"],
        icon="add_circle",
        dialog=ask("Make loan", "Under the same rules as over USSD. Another person must approve it.", LoanForm),
    )
    def make_loan(self, request: HttpRequest, form: Form) -> HttpResponse:
        """A loan for a customer, to be approved by somebody else."""
        said = form.cleaned_data
        try:
            loan = create_loan(
                phone=said["phone"],
                amount=said["amount"],
                note=said["note"],
                key=str(said["key"]),
                created_by=acting_user(request),
                at=timezone.now(),
            )
        except LendingRefusal as refusal:
            messages.error(request, str(refusal))
            return HttpResponse(headers={"HX-Redirect": reverse("admin:loans_loan_changelist")})
        messages.success(request, f"Loan {loan.number} made. Another person must approve it.")
        return HttpResponse(headers={"HX-Redirect": reverse(PAGE, args=[loan.pk])})

    def _carry_out(self, request: HttpRequest, object_id: str, act: Callable[[UUID], Any], done: str) -> HttpResponse:
        return carry_out(request, lambda: act(UUID(object_id)), done=done, page=PAGE, object_id=object_id)
