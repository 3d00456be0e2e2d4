"""Notices of money that customers sent us unasked: `POST /api/v1/webhooks/momo/paid-in/`."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import structlog
from django.db import InterfaceError, OperationalError
from django.utils import timezone
from rest_framework import exceptions, serializers, status
from rest_framework.parsers import JSONParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.authentication import ApiTokenAuthentication
from accounts.api.permissions import HasScope
from accounts.api.throttles import TokenRateThrottle
from accounts.models import ApiToken
from accounts.phone_numbers import InvalidPhoneNumber, parse_phone
from accounts.statuses import TokenScope
from configuration.selectors import current
from ledger.money import is_payable
from loans.configuration import LoanSettings
from loans.services.paid_in import NoticeConflict, store_notice
from loans.services.repayments import TOO_EARLY
from loans.statuses import Rail

# The sender's clock may be ahead of ours by so much.
CLOCK_DRIFT = timedelta(minutes=5)
RETRY_AFTER_SECONDS = 30
LONGEST_ACCOUNT = 20

logger = structlog.get_logger(__name__)


class Conflict(exceptions.APIException):
    """409: the transaction was told before and was another one."""

    status_code = status.HTTP_409_CONFLICT
    default_code = NoticeConflict.code


class Body(serializers.Serializer[Any]):
    """What a notice says. Raises with a 400 for the first thing that is wrong in each field."""

    transactionId = serializers.RegexField(r"^[!-~]{1,100}$", help_text="The rail's own number of the transaction")
    msisdn = serializers.CharField(max_length=40)
    amount = serializers.DecimalField(max_digits=14, decimal_places=2)
    currency = serializers.CharField(max_length=3)
    paidAt = serializers.DateTimeField(required=False, allow_null=True, default=None)
    account = serializers.CharField(
        max_length=LONGEST_ACCOUNT,
        required=False,
        allow_blank=True,
        allow_null=True,
        default="",
        help_text="Loan number",
    )

    def validate_msisdn(self, value: str) -> str:
        """As E.164."""
        try:
            return parse_phone(value, region=current(LoanSettings).region, any_country=True)
        except InvalidPhoneNumber as refusal:
            raise serializers.ValidationError(str(refusal)) from refusal

    def validate_currency(self, value: str) -> str:
        """Loans are in one currency."""
        lent = current(LoanSettings).currency
        if value.upper() != lent:
            raise serializers.ValidationError(f"Loans are repaid in {lent}.")
        return lent

    def validate_amount(self, value: Decimal) -> Decimal:
        """Above zero, and no finer than the currency."""
        currency = current(LoanSettings).currency
        if value <= 0 or not is_payable(value, currency):
            raise serializers.ValidationError(f"Must be above zero, in {currency}.")
        return value

    def validate_account(self, value: str | None) -> str:
        """In capitals, as loans are numbered; letters may become more by it."""
        account = (value or "").strip().upper()
        if len(account) > LONGEST_ACCOUNT:
            raise serializers.ValidationError(f"Must have at most {LONGEST_ACCOUNT} characters.")
        return account

    def validate_paidAt(self, value: datetime | None) -> datetime | None:
        """In the past, give or take a clock, and in this century."""
        if value and value < TOO_EARLY:
            raise serializers.ValidationError("Must be of this century.")
        if value and value > timezone.now() + CLOCK_DRIFT:
            raise serializers.ValidationError("Must not be in the future.")
        return value


class PaidInView(APIView):
    """Stored at once and answered with 202; the loan is found afterwards."""

    authentication_classes = [ApiTokenAuthentication]
    permission_classes = [HasScope]
    throttle_classes = [TokenRateThrottle]
    parser_classes = [JSONParser]
    required_scope = TokenScope.LOANS

    def post(self, request: Request) -> Response:
        """`{transactionId, msisdn, amount, currency, paidAt?, account?}`. A repeat says what became of the first."""
        body = Body(data=request.data)
        if not body.is_valid():
            raise exceptions.ValidationError(body.errors)
        said = body.validated_data
        token = request.auth
        assert isinstance(token, ApiToken), "the permission let only tokens through"
        at = timezone.now()
        try:
            notice = store_notice(
                rail=Rail.MTN_MOMO,
                reference=said["transactionId"],
                phone=said["msisdn"],
                amount=said["amount"],
                currency=said["currency"],
                loan_number=said["account"] or "",
                partner=token.partner_email,
                paid_at=min(said["paidAt"] or at, at),
                at=at,
            ).notice
        except NoticeConflict as refusal:
            raise Conflict(str(refusal)) from refusal
        except (OperationalError, InterfaceError) as error:
            # Not stored, so not taken: the partner must tell us again.
            logger.error("paid_in_not_stored", error=type(error).__name__)
            return Response(
                {"code": "SERVICE_UNAVAILABLE", "message": "Try again later."},
                status=status.HTTP_503_SERVICE_UNAVAILABLE,
                headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
            )
        word = notice.status if notice.looked_at else "received"
        return Response({"status": word, "transactionId": notice.reference}, status=status.HTTP_202_ACCEPTED)
