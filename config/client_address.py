"""The caller's IP address, believing only as many proxies as we run."""

from ipaddress import ip_address

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str | None:
    """The address of the caller; None when it cannot be told.

    With N trusted proxies the N-th entry from the right of X-Forwarded-For was written by our outermost
    proxy; anything further left was written by the caller and is not believed.
    """
    found = request.META.get("REMOTE_ADDR", "")
    if settings.TRUSTED_PROXIES:
        hops = [hop.strip() for hop in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if hop.strip()]
        if len(hops) >= settings.TRUSTED_PROXIES:
            found = hops[-settings.TRUSTED_PROXIES]
    try:
        return str(ip_address(found))
    except ValueError:
        return None
