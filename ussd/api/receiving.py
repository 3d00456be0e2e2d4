"""From a request to its answer, for every address that takes turns."""

import structlog
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.http.request import UnreadablePostError
from django.utils import timezone

from audit.context import current_actor
from ussd.engine import answer, apology
from ussd.gateways.base import Incoming, WireFormat
from ussd.selectors import KnownGateway
from ussd.turns import BadTurn

logger = structlog.get_logger(__name__)


def answer_request(request: HttpRequest, gateway: KnownGateway, wire: WireFormat, *, started: float) -> HttpResponse:
    """The answer in the format of the address, whatever the request holds and whatever goes wrong."""
    try:
        turn = wire.read_turn(read_incoming(request, started=started), gateway)
    except BadTurn as refusal:
        logger.warning("ussd_bad_turn", gateway=gateway.slug, problem=str(refusal))
        return wire.write_refusal(code=refusal.code, message=str(refusal), status=400)
    except Exception:
        logger.exception("ussd_request_failed", gateway=gateway.slug)
        return wire.write_reply(apology(), session_id="")
    return wire.write_reply(answer(turn, gateway=gateway), session_id=turn.session_id)


def read_incoming(request: HttpRequest, *, started: float) -> Incoming:
    """The request's bytes. Raises BadTurn when there are too many, or the caller hung up."""
    try:
        body = request.body
    except RequestDataTooBig as error:
        raise BadTurn("The body is too large.") from error
    except UnreadablePostError as error:
        raise BadTurn("The body ended early.") from error
    return Incoming(body=body, content_type=request.content_type or "", at=timezone.now(), started=started)


def comes_from_allowed_address(gateway: KnownGateway) -> bool:
    """Whether the caller's address is on the gateway's list, if it has one."""
    return gateway.allows(current_actor().ip)
