"""The questions before each act, and what a refusal looks like."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from unfold.dataclasses import ActionDialog
from unfold.forms import BaseDialogForm
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from accounts.models import User
from configuration.selectors import current
from promos.configuration import PromoRules
from promos.models import Batch
from promos.refusals import PromoRefusal
from promos.selectors import staff_to_assign


class ReasonForm(BaseDialogForm):
    """Why; it goes to the audit trail."""

    reason = forms.CharField(max_length=300, widget=UnfoldAdminTextInputWidget, help_text="Kept in the audit trail")


class GenerateForm(BaseDialogForm):
    """How many codes, and what each pays."""

    count = forms.IntegerField(min_value=1, label="Codes", widget=UnfoldAdminIntegerFieldWidget)
    amount = forms.DecimalField(
        max_digits=14, decimal_places=2, label="Amount per code", widget=UnfoldAdminDecimalFieldWidget
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        most = current(PromoRules).max_codes_per_run
        self.fields["count"].help_text = f"1 to {most:,} in one run; a batch may have many runs"
        if batch := Batch.objects.filter(pk=self.object_id).first():
            amount = batch.amount_per_code
            self.fields["amount"].initial = amount.quantize(1) if amount == amount.to_integral_value() else amount
            self.fields["amount"].help_text = f"In {batch.currency}"


class AssignForm(BaseDialogForm):
    """Who is responsible for the batch."""

    assigned_user = forms.ModelChoiceField(
        queryset=User.objects.none(), required=False, label="Staff member", widget=UnfoldAdminSelectWidget
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["assigned_user"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = staff_to_assign()
        field.empty_label = "Nobody"


def ask(title: str, description: str, form_class: type[BaseDialogForm] = ReasonForm) -> ActionDialog:
    """A dialog that must be confirmed, by POST, before anything happens."""
    return ActionDialog(title=title, description=description, form_class=form_class, form_submit_text=title)


def carry_out(request: HttpRequest, act: Callable[[], Any], *, done: str, page: str, object_id: Any) -> HttpResponse:
    """Call the service once, say what came of it, and go back to the row's page."""
    try:
        act()
    except PromoRefusal as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, done)
    return HttpResponse(headers={"HX-Redirect": reverse(page, args=[object_id])})
