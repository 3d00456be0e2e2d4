"""Log lines of a request carry the caller's address, as far as it can be believed."""

from typing import Any

import structlog
from django.dispatch import receiver
from django.http import HttpRequest
from django_structlog.signals import bind_extra_request_metadata

from config.client_address import client_address


@receiver(bind_extra_request_metadata)
def bind_address(request: HttpRequest, **_kwargs: Any) -> None:
    """The library's own reading believes whatever the caller writes into X-Forwarded-For, so it is off."""
    structlog.contextvars.bind_contextvars(ip=client_address(request))
