"""Addresses and buttons of the back office."""

from typing import Any

from django.test import Client
from django.urls import reverse


def page(model: str, view: str, *args: Any) -> str:
    return reverse(f"admin:promos_{model}_{view}", args=args)


def act(client: Client, model: str, action: str, pk: Any, **values: Any) -> Any:
    """Press a button of a page and confirm its dialog."""
    return client.post(page(model, action, pk), {"_form_submitted": "on", **values})
