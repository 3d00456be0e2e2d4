"""Delivery reports as Africa's Talking posts them (docs, "SMS – Notifications")."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum


class Progress(Enum):
    """What a reported status means."""

    ON_ITS_WAY = "on its way"
    DELIVERED = "delivered"
    # The network gave up for now. The docs do not call these final, so a later delivery is believed.
    UNREACHED = "unreached"
    FAILED = "failed"


STATUSES = {
    "Sent": Progress.ON_ITS_WAY,
    "Submitted": Progress.ON_ITS_WAY,
    "Buffered": Progress.ON_ITS_WAY,
    "Success": Progress.DELIVERED,
    "Rejected": Progress.FAILED,
    "Failed": Progress.FAILED,
    "AbsentSubscriber": Progress.UNREACHED,
    "Expired": Progress.UNREACHED,
}
UNREACHED_STATUSES = frozenset(name for name, progress in STATUSES.items() if progress is Progress.UNREACHED)

LONGEST_ID = 100
LONGEST_STATUS = 40
LONGEST_REASON = 60
_LONGEST_VALUE = 500
_MOST_FIELDS = 30


class MalformedReport(ValueError):
    """The body is not a delivery report."""

    code = "MALFORMED_REPORT"


@dataclass(frozen=True)
class ReportFields:
    """One report, checked for form and not for truth."""

    provider_message_id: str
    status: str
    failure_reason: str
    payload: dict[str, str]


def read_report(form: Mapping[str, str]) -> ReportFields:
    """The report in a posted form. Raises MalformedReport when it lacks its id or status, or cannot be stored."""
    payload = dict(form.items())
    if len(payload) > _MOST_FIELDS:
        raise MalformedReport(f"More than {_MOST_FIELDS} fields")
    for name, value in payload.items():
        if len(name) > _LONGEST_VALUE or len(value) > _LONGEST_VALUE:
            raise MalformedReport(f"A field is longer than {_LONGEST_VALUE} characters")
        if "\0" in name or "\0" in value:
            raise MalformedReport("A field holds a NUL character")
    return ReportFields(
        provider_message_id=_required(payload, "id", LONGEST_ID),
        status=_required(payload, "status", LONGEST_STATUS),
        # The docs list the reasons, libraries know others: an unknown one is kept as it came.
        failure_reason=payload.get("failureReason", "").strip()[:LONGEST_REASON],
        payload=payload,
    )


def _required(payload: Mapping[str, str], name: str, longest: int) -> str:
    value = payload.get(name, "").strip()
    if not value:
        raise MalformedReport(f"The field {name!r} is missing")
    if len(value) > longest:
        raise MalformedReport(f"The field {name!r} is longer than {longest} characters")
    return value
