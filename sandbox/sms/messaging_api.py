"""`POST /version1/messaging` (SMS notes, sections 6 and 7)."""

import re
import secrets
from typing import Any
from urllib.parse import parse_qs, urlencode
from xml.etree import ElementTree

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from sandbox.bodies import read_body
from sandbox.clock import now_ms
from sandbox.deliveries import Parcel, add_delivery, record_dropped
from sandbox.silence import NoAnswer
from sandbox.sms.book import add_message
from sandbox.sms.orders import SmsFaultOrder
from sandbox.sms.recipients import REJECTIONS, SENT, network_of, price_of, report_for, status_code_for
from sandbox.world import World, world_of

FORM = "application/x-www-form-urlencoded"
DEFAULT_SENDER = "AFRICASTKNG"
# A sender id nobody ever registered, to see the answer without configuring senders.
UNREGISTERED_SENDER = "NOTMINE"
_SENDER = re.compile(r"[A-Za-z0-9 ._-]{3,11}", re.ASCII)
CALL_MODES = frozenset({"timeout", "http_500", "reject"})
REPORT_MODES = frozenset({"drop_report", "duplicate_report"})


async def send_messages(request: Request) -> Response:
    world = world_of(request)
    fault = world.sms_faults.draw(CALL_MODES)
    if fault and fault.mode == "http_500":
        return PlainTextResponse("There was an internal server error.", status_code=500)
    response = await answer_messages(request, world, fault)
    if fault and fault.mode == "timeout":
        # The messages are on their way; only the answer is lost.
        return NoAnswer(delay_ms=fault.delay_ms)
    return response


async def answer_messages(request: Request, world: World, fault: SmsFaultOrder | None) -> Response:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        return PlainTextResponse(f"The request's Content-Type is not supported. Expected:\n{FORM}", status_code=415)
    form = read_form(await read_body(request))
    for name in ("username", "to", "message"):
        if not form.get(name):
            return PlainTextResponse(f"Request is missing required form field '{name}'", status_code=400)
    if request.headers.get("apikey") != world.options.sms_api_key or form["username"] != world.options.sms_username:
        return PlainTextResponse("The supplied authentication is invalid", status_code=401)
    sender = form.get("from") or DEFAULT_SENDER
    if not is_registered(world, sender):
        return answer(request, message="InvalidSenderId", recipients=[])
    numbers = [number.strip() for number in form["to"].split(",")]
    recipients = accept_messages(world, numbers, sender=sender, message=form["message"], fault=fault)
    sent = sum(recipient["statusCode"] == SENT for recipient in recipients)
    cost = price_of(numbers[0])
    return answer(request, message=f"Sent to {sent}/{len(numbers)} Total Cost: {cost}", recipients=recipients)


def read_form(body: bytes) -> dict[str, str]:
    """Form fields; the first wins when one is sent twice."""
    fields = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True)
    return {name: values[0] for name, values in fields.items()}


def is_registered(world: World, sender: str) -> bool:
    registered = [name.strip() for name in world.options.sms_senders.split(",") if name.strip()]
    if registered:
        return sender in registered or sender == DEFAULT_SENDER
    return sender != UNREGISTERED_SENDER and bool(_SENDER.fullmatch(sender))


def accept_messages(
    world: World, numbers: list[str], *, sender: str, message: str, fault: SmsFaultOrder | None
) -> list[dict[str, Any]]:
    """Write the messages and their reports into the book, all or none; one answer per number."""
    now = now_ms()
    report_fault = world.sms_faults.draw(REPORT_MODES) if world.delivery_url else None
    recipients: list[dict[str, Any]] = []
    with world.store.transaction():
        for number in numbers:
            rejected = fault.status_code if fault else None
            status_code = rejected or status_code_for(number)
            if status_code != SENT:
                recipients.append(describe_rejection(number, status_code))
                continue
            message_id = f"ATXid_{secrets.token_hex(16)}"
            add_message(
                world.store,
                message_id=message_id,
                recipient=number,
                sender=sender,
                message=message,
                at_ms=now,
            )
            if world.delivery_url:
                post_report(world, message_id, number, fault=report_fault, at_ms=now)
            recipients.append(
                {
                    "statusCode": SENT,
                    "number": number,
                    "status": "Success",
                    "cost": price_of(number),
                    "messageId": message_id,
                }
            )
    world.delivery_bell.set()
    return recipients


def describe_rejection(number: str, status_code: int) -> dict[str, Any]:
    return {
        "statusCode": status_code,
        "number": number,
        "status": REJECTIONS[status_code],
        "cost": "0",
        "messageId": "None",
    }


def post_report(world: World, message_id: str, number: str, *, fault: SmsFaultOrder | None, at_ms: int) -> None:
    report = report_for(number)
    fields = {
        "id": message_id,
        "status": report.status,
        "phoneNumber": number,
        "networkCode": network_of(number),
    }
    if report.failure_reason:
        fields["failureReason"] = report.failure_reason
    parcel = Parcel(
        kind="sms",
        subject=message_id,
        method="POST",
        url=world.delivery_url,
        content_type=FORM,
        body=urlencode(fields),
    )
    if fault and fault.mode == "drop_report":
        record_dropped(world.store, parcel, at_ms=at_ms)
        return
    copies = 2 if fault and fault.mode == "duplicate_report" else 1
    for _ in range(copies):
        add_delivery(world.store, parcel, due_ms=at_ms + world.options.report_ms, tries=1)


def answer(request: Request, *, message: str, recipients: list[dict[str, Any]]) -> Response:
    """201 as JSON when the client accepts JSON, else as XML."""
    if "application/json" in request.headers.get("accept", ""):
        body = {"SMSMessageData": {"Message": message, "Recipients": recipients}}
        return JSONResponse(body, status_code=201)
    root = ElementTree.Element("AfricasTalkingResponse")
    data = ElementTree.SubElement(root, "SMSMessageData")
    ElementTree.SubElement(data, "Message").text = message
    holder = ElementTree.SubElement(data, "Recipients")
    for recipient in recipients:
        element = ElementTree.SubElement(holder, "Recipient")
        for name, value in recipient.items():
            ElementTree.SubElement(element, name).text = str(value)
    return Response(ElementTree.tostring(root, "utf-8"), status_code=201, media_type="application/xml")


routes = [Route("/version1/messaging", send_messages, methods=["POST"])]
