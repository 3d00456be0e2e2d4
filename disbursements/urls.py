"""URLs of this app, included by `config.urls`."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
