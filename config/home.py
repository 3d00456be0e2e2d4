"""The front door: what this is, and where to go."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Links to the phone (sandbox mode only) and the back office."""
    return render(request, "home.html", {"sandbox": settings.SANDBOX, "sandbox_url": settings.SANDBOX_URL})
