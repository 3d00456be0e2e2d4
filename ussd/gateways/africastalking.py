"""Africa's Talking (africastalking.md sections 1 and 2).

It sends a form of five fields, and in `text` every input of the session joined with `*`; there is no turn id, so
(`sessionId`, `text`) names a turn. The answer is plain text beginning `CON ` (goes on) or `END ` (closes), always with
status 200: for anything else it shows the subscriber an error of its own. Other statuses are for callers who may not
speak for the gateway: 401, 403 and 429.
"""

from urllib.parse import parse_qsl, urlencode

from django.http import HttpResponse

from ussd.gateways.base import (
    Dialled,
    Incoming,
    read_phone,
    read_service_code,
    read_session_id,
    read_text,
    readable,
)
from ussd.selectors import KnownGateway
from ussd.turns import BadTurn, Reply, Turn

FORM_TYPE = "application/x-www-form-urlencoded"
MOST_FIELDS = 50
LONGEST_NETWORK_CODE = 20
# The statuses that are not 200 (contract sections 2 and 4), with their words.
_STATUS_WORDS = {401: "Service unavailable.", 403: "Service unavailable.", 429: "Service busy. Please try again."}
_REFUSAL_WORDS = {"SERVICE_UNAVAILABLE": "Service temporarily unavailable."}


class AfricasTalking:
    """Form in, `CON `/`END ` out."""

    def read_turn(self, incoming: Incoming, gateway: KnownGateway) -> Turn:
        """The turn in a request. Raises BadTurn."""
        fields = read_form(incoming)
        text = read_text(fields.get("text", ""), "text")
        return Turn(
            gateway=gateway.slug,
            session_id=read_session_id(fields.get("sessionId", "")),
            phone=read_phone(fields.get("phoneNumber", ""), gateway),
            service_code=read_service_code(fields.get("serviceCode", "")),
            history=tuple(text.split("*")) if text else (),
            network=readable(fields.get("networkCode", ""))[:LONGEST_NETWORK_CODE],
            at=incoming.at,
            started=incoming.started,
        )

    def write_reply(self, reply: Reply, *, session_id: str) -> HttpResponse:
        """`CON ` or `END ` and the words."""
        return _plain(f"{'END' if reply.ends else 'CON'} {reply.text}")

    def write_refusal(self, *, code: str, message: str, status: int) -> HttpResponse:
        """`END ` and words for the subscriber; what was wrong is for our log, the gateway does not read it."""
        if status in _STATUS_WORDS:
            return _plain(f"END {_STATUS_WORDS[status]}", status=status)
        return _plain(f"END {_REFUSAL_WORDS.get(code, 'Invalid request.')}")

    def write_request(self, dialled: Dialled) -> tuple[bytes, str]:
        """The five fields."""
        fields = {
            "sessionId": dialled.session_id,
            "phoneNumber": dialled.phone,
            "networkCode": dialled.network_code,
            "serviceCode": dialled.service_code,
            "text": "*".join(dialled.inputs),
        }
        return urlencode(fields).encode(), FORM_TYPE

    def read_reply(self, body: bytes) -> Reply:
        """Raises ValueError for an answer that Africa's Talking would not understand."""
        text = body.decode()
        if not text.startswith(("CON ", "END ")):
            raise ValueError(f"Not an answer: {text[:80]!r}")
        return Reply(text[4:], ends=text.startswith("END "))


def read_form(incoming: Incoming) -> dict[str, str]:
    """The fields of a form. Raises BadTurn."""
    kind = incoming.content_type.partition(";")[0].strip().lower()
    if kind not in {FORM_TYPE, ""}:
        raise BadTurn(f"Send the body as {FORM_TYPE}.")
    try:
        pairs = parse_qsl(incoming.body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError as error:
        raise BadTurn(f"The form has more than {MOST_FIELDS} fields.") from error
    return dict(pairs)


def _plain(text: str, *, status: int = 200) -> HttpResponse:
    return HttpResponse(text, content_type="text/plain; charset=utf-8", status=status)
