"""What customers were offered."""

import uuid

from django.db import models

from ledger.money import format_amount
from loans.models.fields import money_field


class Offer(models.Model):
    """What a customer was offered, or why nothing, with its explanation. Written in bulk, off the hot path;
    partitioned by month of `at`.

    In the database the key is (id, at); `uid` is made with the offer, so that storing it twice stores it once.
    """

    id = models.BigAutoField(primary_key=True)
    uid = models.UUIDField(default=uuid.uuid4, editable=False)
    at = models.DateTimeField()
    customer_id = models.UUIDField()
    phone = models.CharField(max_length=16)
    network = models.CharField(max_length=40, blank=True)
    partner = models.CharField(max_length=254, blank=True, help_text="Who asked: the token's partner or the gateway")
    session_id = models.CharField(max_length=128, blank=True)
    score = models.PositiveIntegerField()
    eligible_amount = money_field()
    currency = models.CharField(max_length=3)
    offers = models.JSONField(help_text="Amounts with their terms, as shown")
    refusal = models.CharField(max_length=30, blank=True)
    explanation = models.JSONField(help_text="Which tier, which cap, which version of the settings")

    class Meta:
        db_table = "loans_offer"
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["customer_id", "-id"], name="loan_offer_by_customer"),
            models.Index(fields=["phone", "-id"], name="loan_offer_by_phone"),
        ]

    def __str__(self) -> str:
        return f"{self.phone} {format_amount(self.eligible_amount, self.currency)}"
