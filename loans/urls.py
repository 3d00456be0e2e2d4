"""URLs of this app, included by `config.urls`. Each answers with and without a slash: a redirect loses the body."""

from django.urls import URLPattern, path

from loans.api.collection_callbacks import receive_callback
from loans.api.paid_in import PaidInView

_COLLECTIONS = "api/v1/webhooks/momo/collections"
_PAID_IN = "api/v1/webhooks/momo/paid-in"

urlpatterns: list[URLPattern] = [
    path(f"{_PAID_IN}/", PaidInView.as_view(), name="paid-in"),
    path(_PAID_IN, PaidInView.as_view()),
    path(f"{_COLLECTIONS}/<uuid:reference>/", receive_callback, name="momo_collection_callback"),
    path(f"{_COLLECTIONS}/<uuid:reference>", receive_callback),
    path(f"{_COLLECTIONS}/", receive_callback),
    path(_COLLECTIONS, receive_callback),
]
