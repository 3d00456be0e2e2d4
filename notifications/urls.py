"""URLs of this app, included by `config.urls`. Providers call with and without the last slash."""

from django.urls import URLPattern, path

from notifications.api.delivery_reports import receive_delivery_report

_DELIVERY = "api/v1/webhooks/ussd/delivery"

urlpatterns: list[URLPattern] = [
    path(_DELIVERY, receive_delivery_report),
    path(f"{_DELIVERY}/", receive_delivery_report, name="delivery-report"),
    path(f"{_DELIVERY}/<str:secret>", receive_delivery_report),
    path(f"{_DELIVERY}/<str:secret>/", receive_delivery_report, name="delivery-report-secret"),
]
