"""The JSON of spec 3 (Safaricom style): only the last input is sent.

Request `{"sessionId", "phoneNumber", "text", "serviceCode"}`; `text` is empty at dial, else the last input; a first
request that already has one is a direct dial and goes straight on. Answer `{"responseType": "input"|"notification",
"message"}`. What is not a turn: 400 with `code` besides.

There is nothing that names a turn. The same input twice while the session goes on is two inputs (1 in the menu, then
1 in the next one), except while the first is still being answered: nobody can have read that answer yet, so it gets the
same. After the session has ended the same input gets the same words; another one, or an empty one, begins a new
dialogue.
"""

import json

from django.http import HttpResponse, JsonResponse

from ussd.gateways.base import (
    JSON_TYPE,
    Dialled,
    Incoming,
    read_json,
    read_phone,
    read_service_code,
    read_session_id,
    read_text,
    text_field,
)
from ussd.selectors import KnownGateway
from ussd.turns import Reply, Turn


class LastInput:
    """JSON with the last input in, JSON out."""

    def read_turn(self, incoming: Incoming, gateway: KnownGateway) -> Turn:
        """The turn in a request. Raises BadTurn."""
        fields = read_json(incoming)
        return Turn(
            gateway=gateway.slug,
            session_id=read_session_id(text_field(fields, "sessionId")),
            phone=read_phone(text_field(fields, "phoneNumber"), gateway),
            service_code=read_service_code(text_field(fields, "serviceCode")),
            new_input=read_text(text_field(fields, "text"), "text"),
            at=incoming.at,
            started=incoming.started,
        )

    def write_reply(self, reply: Reply, *, session_id: str) -> HttpResponse:
        """`input` waits for the customer, `notification` is the last word."""
        return JsonResponse({"responseType": "notification" if reply.ends else "input", "message": reply.text})

    def write_refusal(self, *, code: str, message: str, status: int) -> HttpResponse:
        """What was wrong, in a shape that closes the session."""
        body = {"responseType": "notification", "code": code, "message": message}
        return JsonResponse(body, status=status)

    def write_request(self, dialled: Dialled) -> tuple[bytes, str]:
        """The four fields."""
        fields = {
            "sessionId": dialled.session_id,
            "phoneNumber": dialled.phone,
            "text": dialled.inputs[-1] if dialled.inputs else "",
            "serviceCode": dialled.service_code,
        }
        return json.dumps(fields).encode(), JSON_TYPE

    def read_reply(self, body: bytes) -> Reply:
        """Raises ValueError for an answer without message."""
        found = json.loads(body)
        return Reply(found["message"], ends=found["responseType"] == "notification")
