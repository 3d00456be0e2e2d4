"""The question before each decision, and what a refusal looks like."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from unfold.dataclasses import ActionDialog
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminTextInputWidget

from disbursements.services.alarms import AlarmNotClearable
from disbursements.services.decisions import MakerIsChecker, NotAwaitingApproval, NotCancellable, NotRetryable
from disbursements.services.resolutions import NotResolvable
from ledger.services import InsufficientBalance

REFUSALS = (
    AlarmNotClearable,
    MakerIsChecker,
    NotAwaitingApproval,
    NotCancellable,
    NotResolvable,
    NotRetryable,
    InsufficientBalance,
)


class ReasonForm(BaseDialogForm):
    """Why; it goes to the audit trail."""

    reason = forms.CharField(max_length=300, widget=UnfoldAdminTextInputWidget, help_text="Kept in the audit trail")


def ask_first(title: str, description: str, *, with_reason: bool = True) -> ActionDialog:
    """A dialog that must be confirmed, by POST, before anything happens."""
    return ActionDialog(
        title=title,
        description=description,
        form_class=ReasonForm if with_reason else BaseDialogForm,
        form_submit_text=title,
    )


def carry_out(request: HttpRequest, object_id: str, act: Callable[[UUID], Any], done: str) -> HttpResponse:
    """Call the service once, say what came of it, and go back to the payout."""
    try:
        act(UUID(object_id))
    except REFUSALS as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, done)
    page = reverse("admin:disbursements_disbursement_change", args=[object_id])
    return HttpResponse(headers={"HX-Redirect": page})
