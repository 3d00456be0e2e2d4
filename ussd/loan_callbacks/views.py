"""`POST loan-offer` and `POST loan-approve`, from partners with an API token of scope `loans`.

Without the scope a token is answered as one that opens nothing, 401 UNAUTHORIZED: in text mode the contract knows no
other status that is not 200, and the customer's phone shows the same words either way.
"""

import math
import time
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, NoReturn, TypeVar

import structlog
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils import timezone
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.api.authentication import ApiTokenAuthentication, Unauthorized
from accounts.api.permissions import HasScope
from accounts.api.throttles import TokenRateThrottle
from accounts.models import ApiToken
from accounts.statuses import TokenScope
from configuration.selectors import current
from loans.configuration import LoanSettings
from loans.services.approvals import PATIENCE, approve_offer
from loans.services.offers import make_offers
from loans.statuses import Refusal
from ussd.clock import Clock
from ussd.configuration import UssdSettings
from ussd.guard import LEAST_FOR_AN_ACT, DatabaseTrouble, run_guarded
from ussd.loan_callbacks.answers import (
    APPROVE,
    OFFER,
    RATE_LIMITED,
    UNAUTHORIZED,
    write_loan,
    write_offers,
    write_refusal,
)
from ussd.loan_callbacks.reading import BadRequest, check_fields, read_asked, read_fields, read_selected, wants_json
from ussd.selectors import GatewaysUnknown, active_gateways
from ussd.watchdog import database_work_ends

# Seconds for recognising the token, and for the settings, when the database does not answer.
FOR_SIGNING_IN = 2.5
FOR_SETTINGS = 1.5

logger = structlog.get_logger(__name__)
ResultT = TypeVar("ResultT")


class LoanCallbackView(APIView):
    """What both callbacks share: who asks, in which mode, by when, and words for whatever goes wrong."""

    authentication_classes = [ApiTokenAuthentication]
    permission_classes = [HasScope]
    throttle_classes = [TokenRateThrottle]
    required_scope = TokenScope.LOANS
    http_method_names = ["post"]
    kind: ClassVar[str]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Starts the clock and reads the body, which says how even a refusal is to be written."""
        self.started = time.monotonic()
        self.fields: Mapping[str, Any] = {}
        self.problem: BadRequest | None = None
        try:
            self.fields = read_fields(request)
        except BadRequest as problem:
            self.problem = problem
        self.as_json = wants_json(self.fields, request.GET)
        return super().dispatch(request, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Who asks: known in time, also when the database hangs."""
        with database_work_ends(within=FOR_SIGNING_IN):
            super().initial(request, *args, **kwargs)

    def permission_denied(self, request: Request, message: str | None = None, code: str | None = None) -> NoReturn:
        """No token, or one without the scope."""
        raise Unauthorized(message if request.auth else "Send an API token in the header x-api-token.")

    def post(self, request: Request) -> HttpResponse:
        """The answer in the mode that was asked for, whatever the request holds and whatever goes wrong."""
        try:
            if self.problem:
                raise self.problem
            check_fields(self.fields)
            assert isinstance(request.auth, ApiToken)
            return self.answer(request.auth)
        except BadRequest as problem:
            return self.refuse(Refusal.INVALID_REQUEST, message=str(problem))
        except DatabaseTrouble:
            return self.refuse(Refusal.SERVICE_UNAVAILABLE)

    def answer(self, token: ApiToken) -> HttpResponse:
        """The act itself. Raises BadRequest, DatabaseTrouble."""
        raise NotImplementedError

    def refuse(self, code: str, **facts: Any) -> HttpResponse:
        """A refusal of this callback."""
        return write_refusal(code, kind=self.kind, as_json=self.as_json, **facts)

    def guard(self, act: Callable[[Clock], ResultT]) -> ResultT:
        """What `act` returns, in time for the gateway. Raises DatabaseTrouble."""
        with database_work_ends(within=FOR_SETTINGS):
            deadline = current(UssdSettings).deadline_seconds
        clock = Clock(self.started, deadline)
        return run_guarded(lambda: act(clock), clock=clock)

    def handle_exception(self, exc: Exception) -> HttpResponse:  # type: ignore[override]  # DRF takes any response
        """A refusal at the door, and what nobody foresaw, in the mode that was asked for."""
        if isinstance(exc, exceptions.Throttled):
            response = self.refuse(RATE_LIMITED)
            response.headers["Retry-After"] = str(max(1, math.ceil(getattr(exc, "wait", None) or 1)))
            return response
        if isinstance(exc, exceptions.AuthenticationFailed | exceptions.NotAuthenticated):
            response = self.refuse(UNAUTHORIZED, message=str(exc.detail))
            response.headers["WWW-Authenticate"] = self.get_authenticate_header(self.request) or ""
            return response
        if isinstance(exc, exceptions.MethodNotAllowed):
            response = self.refuse(Refusal.INVALID_REQUEST, message=str(exc.detail))
            response.status_code = exc.status_code
            response.headers["Allow"] = "POST"
            return response
        if not isinstance(exc, exceptions.APIException):
            logger.exception("loan_callback_failed", kind=self.kind, exc_info=exc)
        return self.refuse(Refusal.SERVICE_UNAVAILABLE)


class LoanOfferView(LoanCallbackView):
    """What the customer may borrow."""

    kind = OFFER

    def answer(self, token: ApiToken) -> HttpResponse:
        """The offers, remembered for the approval."""
        asked = read_asked(self.fields, region=region_of(token))
        result = self.guard(
            lambda _clock: make_offers(
                phone=asked.phone,
                session_id=asked.session_id,
                network=asked.network,
                partner=token.partner_email,
                at=timezone.now(),
            )
        )
        if result.refusal:
            return self.refuse(result.refusal)
        return write_offers(result, as_json=self.as_json)


class LoanApproveView(LoanCallbackView):
    """The customer takes one of the offers."""

    kind = APPROVE

    def answer(self, token: ApiToken) -> HttpResponse:
        """The loan, made once."""
        asked = read_asked(self.fields, region=region_of(token))
        if not asked.session_id:
            raise BadRequest("sessionId is required.")
        selected = read_selected(self.fields)
        result = self.guard(
            lambda clock: approve_offer(
                phone=asked.phone,
                session_id=asked.session_id,
                option=selected.option,
                amount=selected.amount,
                network=asked.network,
                partner=token.partner_email,
                at=timezone.now(),
                patience=max(0.0, min(PATIENCE, clock.left_for_work() - LEAST_FOR_AN_ACT)),
            )
        )
        if result.loan is None:
            return self.refuse(result.refusal or Refusal.SERVICE_UNAVAILABLE, pause=result.retry_after)
        return write_loan(result.loan, session_id=asked.session_id, phone=asked.phone, as_json=self.as_json)


def region_of(token: ApiToken) -> str:
    """The country of numbers without one: of the token's gateway, else of lending."""
    with database_work_ends(within=FOR_SETTINGS):
        if token.gateway:
            try:
                gateway = active_gateways().get(token.gateway)
            except GatewaysUnknown:
                gateway = None
            if gateway is not None:
                return gateway.region
        return current(LoanSettings).region
