"""Every address of the product."""

from django.conf import settings
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView

from config import health
from config.home import home

urlpatterns: list[URLPattern | URLResolver] = [
    path("", home, name="home"),
    path("favicon.ico", RedirectView.as_view(url=f"{settings.STATIC_URL}brand/mark.svg")),
    path("admin/", admin.site.urls),
    path("healthz/live", health.live),
    path("healthz/ready", health.ready),
    path("", include("disbursements.urls")),
    path("", include("loans.urls")),
    path("", include("notifications.urls")),
    path("", include("ussd.urls")),
    path("", include("ussd.simulator.urls")),
]
