"""A plain JSON middle server of the client's own. The one format that is ours to define.

Request (POST, application/json):

    {"sessionId": "…", "phoneNumber": "+250788123456", "serviceCode": "*384*1234#",
     "input": "2", "turn": 3, "network": "63510"}

`sessionId`, `phoneNumber` and `serviceCode` as the network knows them. Then either `input`, the last input (empty or
absent at dial), or `history`, all of them, as a list or joined with `*`; with both, `history` counts. `turn`
(optional, from 1) numbers the requests of a session: the same number with the same input is a repeat and gets the same
words; without it `input` behaves as in spec 3. `network` (optional) is the network's code or name.

Answer: 200 `{"sessionId", "message", "action": "continue"|"end"}`. What is not a turn: 400 with `code` besides.
"""

import json
from typing import Any

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
    readable,
    text_field,
)
from ussd.selectors import KnownGateway
from ussd.turns import BadTurn, Reply, Turn

MOST_TURNS = 1_000
LONGEST_NETWORK = 40


class JsonMiddleServer:
    """JSON in, JSON out."""

    def read_turn(self, incoming: Incoming, gateway: KnownGateway) -> Turn:
        """The turn in a request. Raises BadTurn."""
        fields = read_json(incoming)
        return Turn(
            gateway=gateway.slug,
            session_id=read_session_id(text_field(fields, "sessionId")),
            phone=read_phone(text_field(fields, "phoneNumber"), gateway),
            service_code=read_service_code(text_field(fields, "serviceCode")),
            new_input=read_text(text_field(fields, "input"), "input"),
            history=_read_history(fields.get("history")),
            number=_read_number(fields.get("turn")),
            network=readable(text_field(fields, "network"))[:LONGEST_NETWORK],
            at=incoming.at,
            started=incoming.started,
        )

    def write_reply(self, reply: Reply, *, session_id: str) -> HttpResponse:
        """What to show, and whether the session goes on."""
        action = "end" if reply.ends else "continue"
        return JsonResponse({"sessionId": session_id, "message": reply.text, "action": action})

    def write_refusal(self, *, code: str, message: str, status: int) -> HttpResponse:
        """What was wrong, in a shape that closes the session."""
        return JsonResponse({"action": "end", "code": code, "message": message}, status=status)

    def write_request(self, dialled: Dialled) -> tuple[bytes, str]:
        """Last input and turn number."""
        fields = {
            "sessionId": dialled.session_id,
            "phoneNumber": dialled.phone,
            "serviceCode": dialled.service_code,
            "input": dialled.inputs[-1] if dialled.inputs else "",
            "turn": len(dialled.inputs) + 1,
            "network": dialled.network_code,
        }
        return json.dumps(fields).encode(), JSON_TYPE

    def read_reply(self, body: bytes) -> Reply:
        """Raises ValueError for an answer without message."""
        found = json.loads(body)
        return Reply(found["message"], ends=found["action"] == "end")


def _read_history(value: Any) -> tuple[str, ...] | None:
    if value is None:
        return None
    if isinstance(value, str):
        text = read_text(value, "history")
        return tuple(text.split("*")) if text else ()
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise BadTurn("history must be a list of texts, or one text joined with *.")
    return tuple(read_text("*".join(value), "history").split("*")) if value else ()


def _read_number(value: Any) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MOST_TURNS:
        raise BadTurn(f"turn must be a number from 1 to {MOST_TURNS}.")
    return value
