"""The log of turns, on its way: a bounded list in Redis that a task stores in bulk (`ussd.services.records`)."""

import re
import unicodedata
import uuid
from typing import Any

from django.conf import settings

from ussd.sessions import Session
from ussd.turns import Reply, Turn

# While no worker runs, the oldest beyond these are given up: about 60 MB.
MOST_WAITING = 100_000
# What may be a code: words of three or more letters and digits, joined by what people put between the groups.
_MAYBE_CODE = re.compile(r"[A-Za-z0-9]{3,}(?:[ *-]+[A-Za-z0-9]{3,})*")
_CODE_LENGTH = 8
_HINT = 4


def turns_key() -> str:
    """The list of turns waiting to be stored."""
    return f"{settings.REDIS_KEY_PREFIX}:ussd:log:turns"


def events_key() -> str:
    """The list of session events waiting to be stored."""
    return f"{settings.REDIS_KEY_PREFIX}:ussd:log:events"


def make_record(
    turn: Turn, session: Session | None, reply: Reply, *, typed: str, outcome: str, secret: bool, took_ms: int
) -> dict[str, Any]:
    """One turn as it will be stored: nothing in it is longer or stranger than its column takes."""
    return {
        "uid": str(uuid.uuid4()),
        "at": turn.at.isoformat(),
        "gateway": turn.gateway,
        "session_id": clean(turn.session_id, 128),
        "phone": turn.phone,
        "network": clean(turn.network, 40),
        "service_code": clean(session.service_code if session else mask_input(turn.service_code), 40),
        "journey": session.journey if session else "",
        "screen": session.place.screen if session else "",
        "input": clean(mask_input(typed, secret=secret), 180),
        "reply": clean(reply.text, 200),
        "outcome": outcome[:40],
        "ends": reply.ends,
        "took_ms": took_ms,
    }


def mask_input(typed: str, *, secret: bool = False) -> str:
    """What was typed, with anything that may be a code cut to its first characters; `secret`: all of it."""
    if secret:
        return _masked(typed.strip())
    return _MAYBE_CODE.sub(lambda found: _masked(found.group()), typed)


def clean(text: Any, longest: int) -> str:
    """At most `longest` characters that PostgreSQL can hold and a person can read."""
    plain = "".join(
        " " if unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} and character != "\n" else character
        for character in str(text)[: longest * 2]
    )
    return plain[:longest]


def _masked(text: str) -> str:
    letters = sum(character.isalnum() for character in text)
    return text[:_HINT] + "****" if letters >= _CODE_LENGTH else text
