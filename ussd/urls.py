"""URLs of this app, included by `config.urls`. Each answers with and without a trailing slash."""

from collections.abc import Callable, Iterator
from typing import Any

from django.urls import URLPattern, path

from ussd.api import events, monitoring, sessions, trial, with_secret, with_token
from ussd.loan_callbacks import views as loan_callbacks


def _both(route: str, view: Callable[..., Any], name: str) -> Iterator[URLPattern]:
    # A redirect to the other form would lose the body.
    yield path(f"{route}/", view, name=name)
    yield path(route, view)


urlpatterns: list[URLPattern] = [
    *_both("api/v1/ussd/handle", with_token.TokenTurnView.as_view(), "ussd-handle"),
    *_both("api/v1/ussd/handle/<str:gateway>/<str:secret>", with_secret.handle_with_secret, "ussd-handle-secret"),
    *_both("api/ussd/handler", with_token.LastInputTurnView.as_view(), "ussd-handler"),
    *_both("api/v1/ussd/session", sessions.SessionView.as_view(), "ussd-session"),
    *_both("api/v1/ussd/status", monitoring.StatusView.as_view(), "ussd-status"),
    *_both("api/ussd/test", trial.TrialView.as_view(), "ussd-test"),
    *_both("api/ussd/sessions", sessions.SessionsView.as_view(), "ussd-sessions"),
    *_both("api/ussd/sessions/clear", sessions.ClearSessionsView.as_view(), "ussd-sessions-clear"),
    *_both("api/ussd/health", monitoring.health, "ussd-health"),
    *_both("api/ussd/loan-offer", loan_callbacks.LoanOfferView.as_view(), "loan-offer"),
    *_both("ussd/loan-offer", loan_callbacks.LoanOfferView.as_view(), "loan-offer-short"),
    *_both("api/ussd/loan-approve", loan_callbacks.LoanApproveView.as_view(), "loan-approve"),
    *_both("ussd/loan-approve", loan_callbacks.LoanApproveView.as_view(), "loan-approve-short"),
    *_both("api/v1/webhooks/ussd/status", events.receive_session_event, "ussd-session-event"),
]
