"""URLs of this app, included by `config.urls`. Each answers with and without a slash: a redirect loses the body."""

from django.urls import URLPattern, path

from disbursements.api.callbacks import receive_balance_event, receive_callback

MOMO = "api/v1/webhooks/momo"

urlpatterns: list[URLPattern] = [
    path(f"{MOMO}/disbursements/<uuid:reference>/", receive_callback, name="momo_callback"),
    path(f"{MOMO}/disbursements/<uuid:reference>", receive_callback),
    path(f"{MOMO}/disbursements/", receive_callback),
    path(f"{MOMO}/disbursements", receive_callback),
    path(f"{MOMO}/balance/", receive_balance_event, name="momo_balance_event"),
    path(f"{MOMO}/balance", receive_balance_event),
]
