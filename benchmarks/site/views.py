"""Bare Django views: what is left of a turn when the product is taken out.

They run in the same processes, behind the same middleware, and read the same form.
"""

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from accounts.models import User
from benchmarks.site.models import BareRow

TEXT = "text/plain"


@csrf_exempt
def answer(request: HttpRequest) -> HttpResponse:
    """No database at all."""
    return HttpResponse(f"END {len(request.POST['text'])}", content_type=TEXT)


@csrf_exempt
def read_one(request: HttpRequest) -> HttpResponse:
    """One SELECT by a unique key."""
    customer = User.objects.get(phone=request.POST["phoneNumber"])
    return HttpResponse(f"END {customer.language}", content_type=TEXT)


@csrf_exempt
def insert_one(request: HttpRequest) -> HttpResponse:
    """One INSERT, committed to disk before the answer."""
    row = BareRow.objects.create(phone=request.POST["phoneNumber"], text=request.POST["text"], at=timezone.now())
    return HttpResponse(f"END {row.pk}", content_type=TEXT)
