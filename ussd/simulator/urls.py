"""Addresses of the simulator."""

from django.urls import path

from ussd.simulator import views

urlpatterns = [
    path("simulator/", views.phone, name="simulator"),
    path("simulator/inbox/", views.inbox, name="simulator-inbox"),
    path("simulator/codes/", views.codes, name="simulator-codes"),
]
