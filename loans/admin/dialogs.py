"""The questions before acts of lending, and what a refusal looks like."""

from collections.abc import Callable
from decimal import Decimal
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
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from accounts.models import User
from configuration.selectors import current
from loans.admin.showing import typed_phone
from loans.configuration import CreditSettings, LoanSettings
from loans.models import CreditProfile
from loans.refusals import LendingRefusal
from loans.services.credit import HIGHEST_LIMIT


class ReasonForm(BaseDialogForm):
    """Why; it goes to the audit trail."""

    reason = forms.CharField(max_length=300, widget=UnfoldAdminTextInputWidget, help_text="Kept in the audit trail")


class CreditForm(ReasonForm):
    """A score, and a limit or that it follows the score."""

    score = forms.IntegerField(min_value=0, widget=UnfoldAdminIntegerFieldWidget)
    automatic_limit = forms.BooleanField(
        required=False, label="Limit follows the score", widget=UnfoldBooleanSwitchWidget
    )
    credit_limit = forms.DecimalField(
        required=False,
        min_value=0,
        max_value=HIGHEST_LIMIT,
        decimal_places=2,
        widget=UnfoldAdminDecimalFieldWidget,
    )
    field_order = ("phone", "score", "automatic_limit", "credit_limit", "reason")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        most = current(CreditSettings).max_score
        score = self.fields["score"]
        assert isinstance(score, forms.IntegerField)
        score.validators.append(forms.IntegerField(max_value=most).validators[-1])
        score.help_text = f"0 to {most}"
        limit = self.fields["credit_limit"]
        limit.help_text = f"In {current(LoanSettings).currency}; only where it does not follow the score"
        if profile := CreditProfile.objects.filter(pk=self.object_id).first() if self.object_id else None:
            score.initial = profile.score
            self.fields["automatic_limit"].initial = profile.automatic_limit
            limit.initial = _short(profile.credit_limit)

    def clean(self) -> dict[str, Any]:
        """Either a limit is given or it follows the score."""
        found = super().clean() or {}
        if not found.get("automatic_limit") and "credit_limit" in found and found["credit_limit"] is None:
            self.add_error("credit_limit", "Give a limit, or let it follow the score.")
        return found

    def values(self) -> dict[str, Any]:
        """What the service takes."""
        return {name: self.cleaned_data[name] for name in ("score", "automatic_limit", "credit_limit", "reason")}


class CreditByPhoneForm(CreditForm):
    """The same for a customer who may have no profile yet."""

    phone = forms.CharField(max_length=30, widget=UnfoldAdminTextInputWidget, label="Customer's phone number")

    def clean_phone(self) -> User:
        """The customer with this number."""
        phone = typed_phone(self.cleaned_data["phone"])
        customer = User.objects.filter(phone=phone).first() if phone else None
        if customer is None:
            raise forms.ValidationError("No customer has this phone number.")
        return customer


def ask(title: str, description: str, form_class: type[BaseDialogForm] = ReasonForm) -> ActionDialog:
    """A dialog that must be confirmed, by POST, before anything happens."""
    return ActionDialog(title=title, description=description, form_class=form_class, form_submit_text=title)


def carry_out(request: HttpRequest, act: Callable[[], Any], *, done: str, page: str, object_id: Any) -> HttpResponse:
    """Call the service once, say what came of it, and go to the row's page."""
    try:
        act()
    except LendingRefusal as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, done)
    return HttpResponse(headers={"HX-Redirect": reverse(page, args=[object_id])})


def _short(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal(1)) if amount == amount.to_integral_value() else amount
