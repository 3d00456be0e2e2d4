"""One request from a gateway and our answer, whatever the wire format."""

import time
from dataclasses import dataclass, field
from datetime import datetime

# Longest values that mean anything; what is longer is not a turn (contract: oversized text changes nothing).
LONGEST_SESSION_ID = 128
LONGEST_SERVICE_CODE = 200
LONGEST_TEXT = 2_000


class BadTurn(ValueError):
    """The request is not a turn; the message says what is wrong with it. Nothing was done."""

    code = "INVALID_REQUEST"


@dataclass(frozen=True, kw_only=True)
class Turn:
    """What a customer did, as the gateway tells it.

    Either `history` holds every input of the session so far (then it is believed over anything we remember),
    or it is None and `new_input` is the last input, empty at dial. `number` counts turns, where the gateway does.
    `started` is the monotonic clock when the request reached us: the answer is due `deadline_seconds` after it.
    """

    gateway: str
    session_id: str
    phone: str
    service_code: str
    at: datetime
    new_input: str = ""
    history: tuple[str, ...] | None = None
    number: int | None = None
    network: str = ""
    started: float = field(default_factory=time.monotonic)


@dataclass(frozen=True)
class Reply:
    """What the customer reads, in GSM-7, short enough for one screen; `ends` closes the session."""

    text: str
    ends: bool
