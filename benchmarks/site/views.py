"""Bare Django views: what is left of a turn when the product is taken out.

They run in the same processes, behind the same middleware, and read the same form, or the same JSON.
"""

import json
from contextlib import ExitStack

from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from accounts.models import User
from benchmarks.site.models import BareRow
from benchmarks.site.statements import STATEMENTS

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


@csrf_exempt
def run_statements(request: HttpRequest, path: str) -> HttpResponse:
    """As many SQL statements as this path of the product, of the same kinds and in the same order, each a plain one."""
    fields = json.loads(request.body)
    with ExitStack() as stack:
        for statement in STATEMENTS[path]:
            match statement:
                case "SELECT":
                    customer = User.objects.get(phone=fields["msisdn"])
                case "INSERT":
                    row = BareRow.objects.create(phone=customer.phone, text=fields["sessionId"], at=timezone.now())
                case "UPDATE":
                    BareRow.objects.filter(pk=row.pk).update(text=path)
                case "BEGIN":
                    stack.enter_context(transaction.atomic())
                case "COMMIT":
                    stack.close()
    return JsonResponse({"status": "success", "network": customer.network})


@csrf_exempt
def answer_json(request: HttpRequest) -> HttpResponse:
    """No database at all, JSON in and out."""
    return JsonResponse({"status": "success", "sessionId": json.loads(request.body)["sessionId"]})
