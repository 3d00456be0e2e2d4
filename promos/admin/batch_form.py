"""The form of a batch: the service's own rules, shown beside the fields."""

from decimal import Decimal
from typing import Any

from django import forms
from django.utils import timezone
from unfold.widgets import UnfoldAdminDateWidget, UnfoldAdminSelectWidget

from accounts.models import User
from configuration.selectors import current
from disbursements.accounts import paying_accounts
from promos.configuration import PromoRules
from promos.models import Batch
from promos.refusals import PromoRefusal
from promos.selectors import staff_to_assign
from promos.services.batches import terms_of
from promos.terms import BatchTerms, default_expiration, end_of_day, find_errors

# The rule's field and the form's, where they differ.
_FIELDS = {"expiration_date": "expires_on"}


class BatchForm(forms.ModelForm):
    """Terms as people think of them: the last day instead of a moment. `refusal` is what the service said last."""

    refusal: PromoRefusal | None = None

    expires_on = forms.DateField(label="Last day", widget=UnfoldAdminDateWidget)
    assigned_user = forms.ModelChoiceField(
        queryset=User.objects.none(),
        required=False,
        widget=UnfoldAdminSelectWidget,
        help_text="Staff member responsible for the batch",
    )

    class Meta:
        model = Batch
        fields = ("name", "description", "amount_per_code", "currency", "budget")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rules = current(PromoRules)
        self.before = terms_of(self.instance) if self.instance.pk and not self.instance._state.adding else None
        ends = self.before.expiration_date if self.before else default_expiration(rules=rules, at=timezone.now())
        self.last_day = ends.astimezone(rules.zone).date()
        self.initial["expires_on"] = self.last_day
        self.fields["expires_on"].help_text = f"Codes are accepted to the end of it, {rules.time_zone} time"
        self.fields["description"].widget.attrs["rows"] = 3
        for name in ("amount_per_code", "budget"):
            self.initial[name] = _short(self.initial.get(name))
        if self.before is None:
            self.initial["currency"] = rules.default_currency
            self.fields["currency"] = forms.ChoiceField(
                choices=[(code, code) for code in sorted(paying_accounts())], widget=UnfoldAdminSelectWidget
            )
            field = self.fields["assigned_user"]
            assert isinstance(field, forms.ModelChoiceField)
            field.queryset = staff_to_assign()
            field.empty_label = "Nobody"
        else:
            # Each has its own act.
            self.fields.pop("assigned_user")
            self.fields.pop("currency", None)

    def clean(self) -> dict[str, Any]:
        """What the service would refuse, beside the field; and what it did refuse, under a lock, a moment ago."""
        values = super().clean() or self.cleaned_data
        if {"name", "amount_per_code", "expires_on"} <= values.keys() and "budget" in values:
            errors = find_errors(
                self.terms(),
                rules=current(PromoRules),
                accounts=paying_accounts(),
                before=self.before,
                at=timezone.now(),
            )
            for name, words in errors.items():
                self.add_error(_FIELDS.get(name, name), words)
        if self.refusal is not None:
            self.add_error(None, str(self.refusal))
        return values

    def terms(self) -> BatchTerms:
        """What was typed, as the service takes it. A last day left as it was keeps the very moment."""
        values = self.cleaned_data
        unchanged = self.before is not None and values["expires_on"] == self.last_day
        ends = self.before.expiration_date if self.before and unchanged else None
        return BatchTerms(
            name=values["name"],
            description=values.get("description", ""),
            amount_per_code=values["amount_per_code"],
            currency=self.before.currency if self.before else values.get("currency", ""),
            expiration_date=ends or end_of_day(values["expires_on"], rules=current(PromoRules)),
            budget=values["budget"],
        )


def _short(amount: Any) -> Any:
    """5000 instead of 5000.00."""
    whole = isinstance(amount, Decimal) and amount == amount.to_integral_value()
    return amount.quantize(Decimal(1)) if whole else amount
