"""A partner's middle server: it posts to the two callbacks over HTTP and believes only what comes back."""

import json
from datetime import timedelta
from typing import Any

from django.db import connection
from django.db.models import Max
from django.test import Client
from django.utils import timezone

from accounts.services.tokens import create_token
from disbursements.models import Disbursement
from ledger.models import Posting
from loans.models import CreditProfile, Loan
from tests.loans.conftest import ALICE

OFFER, APPROVE = "/api/ussd/loan-offer", "/api/ussd/loan-approve"
PROCESSING = "Your loan is being processed. You will be notified shortly."


class Partner:
    """Its token has the scope `loans`, unless told otherwise."""

    def __init__(self, *scopes: str, email: str = "gateway@partner.example", **values: Any) -> None:
        _token, self.token = create_token(
            partner_email=email, scopes=scopes or ("loans",), created_by=None, at=timezone.now(), **values
        )
        self.client = Client(raise_request_exception=False)

    def post(self, path: str, body: Any, *, content_type: str = "application/json", **headers: str) -> Any:
        """The response to this very body."""
        if not isinstance(body, str | bytes):
            body = json.dumps(body)
        return self.client.post(path, body, content_type=content_type, headers={"x-api-token": self.token, **headers})

    def offer(self, msisdn: Any = ALICE, *, mode: str = "json", **fields: Any) -> Any:
        """Ask for offers: the JSON body, or the words in text mode."""
        body = {"msisdn": msisdn, "sessionId": "sess-123", "network": "mtn", "responseType": mode} | fields
        return _read(self.post(OFFER, body), mode)

    def approve(self, msisdn: Any = ALICE, *, mode: str = "json", **fields: Any) -> Any:
        """Approve option 2, unless told otherwise: the JSON body, or the words in text mode."""
        if not {"selectedOption", "selectedAmount"} & fields.keys():
            fields["selectedOption"] = "2"
        body = {"msisdn": msisdn, "sessionId": "sess-123", "network": "mtn", "responseType": mode} | fields
        return _read(self.post(APPROVE, body), mode)

    def borrow(self, msisdn: Any = ALICE, **fields: Any) -> Loan:
        """An offer, and its approval."""
        asked = {name: fields[name] for name in ("sessionId",) if name in fields}
        assert self.offer(msisdn, **asked)["status"] == "success"
        answer = self.approve(msisdn, **fields)
        assert answer["status"] == "processing", answer
        return Loan.objects.get(pk=answer["loan"]["id"])


def _read(response: Any, mode: str) -> Any:
    return response.json() if mode == "json" else response.content.decode()


def age_loans(loan: Loan | None = None, **time: float) -> None:
    """As if all loans, or this one, had been made so long ago."""
    rows = Loan.objects.filter(pk=loan.pk) if loan else Loan.objects.all()
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        for row in rows:
            Loan.objects.filter(pk=row.pk).update(created_at=row.created_at - timedelta(**time))
        cursor.execute("SET session_replication_role = DEFAULT")
    for profile in CreditProfile.objects.all():
        newest = Loan.objects.filter(customer_id=profile.pk).aggregate(at=Max("created_at"))["at"]
        CreditProfile.objects.filter(pk=profile.pk).update(last_loan_at=newest)


def written() -> tuple[int, int, int]:
    """How many loans, payouts and postings there are."""
    return Loan.objects.count(), Disbursement.objects.count(), Posting.objects.count()
