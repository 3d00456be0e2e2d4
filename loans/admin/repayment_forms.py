"""What staff fill in about money that came in, and about loans they make."""

import uuid
from typing import Any

from django import forms
from django.utils import timezone
from unfold.forms import BaseDialogForm
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminFileFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from configuration.selectors import current
from loans.admin.dialogs import ReasonForm
from loans.admin.showing import typed_phone
from loans.configuration import LoanSettings
from loans.models import Loan
from loans.repayment_csv import MAX_BYTES
from loans.selectors import loan_numbered
from loans.statuses import Rail

RAILS = [(rail.value, rail.label) for rail in Rail if rail != Rail.CREDIT]


def _amount_field(**options: Any) -> forms.DecimalField:
    return forms.DecimalField(
        min_value=0, max_digits=14, decimal_places=2, widget=UnfoldAdminDecimalFieldWidget, **options
    )


def _text_field(**options: Any) -> forms.CharField:
    return forms.CharField(widget=UnfoldAdminTextInputWidget, **options)


class RepaymentForm(BaseDialogForm):
    """Money that came in for the loan, as staff know of it."""

    rail = forms.ChoiceField(choices=RAILS, label="How it came", widget=UnfoldAdminSelectWidget)
    reference = _text_field(max_length=100, help_text="The transaction's own number, or the receipt's. Booked once")
    amount = _amount_field()
    received_at = forms.DateTimeField(label="Paid", widget=UnfoldAdminTextInputWidget(attrs={"type": "datetime-local"}))
    note = _text_field(max_length=300, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        settings = current(LoanSettings)
        self.fields["amount"].help_text = f"In {settings.currency}"
        field = self.fields["received_at"]
        field.help_text = f"When the customer paid, {settings.time_zone} time"
        field.initial = timezone.now().astimezone(settings.zone).strftime("%Y-%m-%dT%H:%M")

    def clean_received_at(self) -> Any:
        """The country's clock: the field reads it as if it were UTC."""
        moment = self.cleaned_data["received_at"].replace(tzinfo=current(LoanSettings).zone)
        if moment > timezone.now():
            raise forms.ValidationError("This is in the future.")
        return moment


class MatchForm(ReasonForm):
    """Which loan the money is for."""

    loan = _text_field(max_length=20, label="Loan number", help_text="Such as USS-2026-001")
    field_order = ("loan", "reason")

    def clean_loan(self) -> Loan:
        """The loan with this number."""
        loan = loan_numbered(self.cleaned_data["loan"])
        if loan is None:
            raise forms.ValidationError("No loan has this number.")
        return loan


class LoanForm(BaseDialogForm):
    """A loan for a customer; their score decides its terms."""

    phone = _text_field(max_length=30, label="Customer's phone number")
    amount = _amount_field(help_text="What the customer will owe. Interest is deducted from it")
    note = _text_field(max_length=300, label="Why", help_text="Kept with the loan")
    key = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Sent twice, the same form makes one loan.
        self.fields["key"].initial = uuid.uuid4()

    def clean_phone(self) -> str:
        """As E.164."""
        phone = typed_phone(self.cleaned_data["phone"])
        if phone is None:
            raise forms.ValidationError(f"Not a mobile number of {current(LoanSettings).region}.")
        return phone


class UploadForm(forms.Form):
    """A file of repayments."""

    file = forms.FileField(
        label="CSV file",
        max_length=200,
        widget=UnfoldAdminFileFieldWidget(attrs={"accept": ".csv,text/csv"}),
        help_text="Nothing is booked before you have seen what each line would do",
    )

    def clean_file(self) -> Any:
        """Not larger than what is read."""
        file = self.cleaned_data["file"]
        if file.size > MAX_BYTES:
            raise forms.ValidationError(f"The file is larger than {MAX_BYTES // 1024 // 1024} MB.")
        return file
