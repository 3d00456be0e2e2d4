"""Writing the trail. The only place that adds audit events."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import models, transaction
from django.utils import timezone

from audit.canonical import clean_address, clean_text, clean_values, row_hash
from audit.context import current_actor
from audit.models import AuditEvent
from audit.registry import require_action

Target = models.Model | tuple[str, object]
Values = Mapping[str, Any]


class NoTransactionOpen(RuntimeError):
    """An act was recorded outside the transaction that performs it."""

    code = "NO_TRANSACTION_OPEN"


@dataclass(frozen=True, kw_only=True)
class Act:
    """One act of a bulk. `target` is a model instance or ("type", id)."""

    action: str
    target: Target
    before: Values | None = None
    after: Values | None = None
    reason: str = ""


def record(
    action: str,
    *,
    target: Target,
    before: Values | None = None,
    after: Values | None = None,
    reason: str = "",
    at: datetime | None = None,
) -> AuditEvent:
    """Add one event, with exactly one INSERT, in the caller's transaction: both happen or neither does.

    The actor, address and request id come from `audit.context`. Secrets in `before` and `after` are masked
    by the name of their key. Raises UnregisteredAction, NoTransactionOpen, and ValueError for a target
    without an id (architecture section 5).
    """
    _require_transaction()
    act = Act(action=action, target=target, before=before, after=after, reason=reason)
    event = _build(act, at=at or timezone.now())
    event.save(force_insert=True)
    return event


def record_many(acts: Sequence[Act], *, at: datetime | None = None) -> list[AuditEvent]:
    """Add many events of one moment with one INSERT. Promises and refusals as in `record`."""
    _require_transaction()
    moment = at or timezone.now()
    return AuditEvent.objects.bulk_create([_build(act, at=moment) for act in acts])


def _require_transaction() -> None:
    if not transaction.get_connection().in_atomic_block:
        raise NoTransactionOpen(
            "An audit event belongs to the transaction of the act it records: open transaction.atomic() first."
        )


def _build(act: Act, *, at: datetime) -> AuditEvent:
    require_action(act.action)
    actor = current_actor()
    target_type, target_id = _name_target(act.target)
    event = AuditEvent(
        at=at,
        action=act.action,
        actor_id=clean_text(actor.user_id or "", longest=64),
        actor_label=clean_text(actor.label, longest=254),
        ip=clean_address(actor.ip),
        request_id=clean_text(actor.request_id, longest=64),
        target_type=target_type,
        target_id=target_id,
        before=clean_values(act.before),
        after=clean_values(act.after),
        reason=clean_text(act.reason),
    )
    event.integrity_hash = row_hash(event)
    return event


def _name_target(target: Target) -> tuple[str, str]:
    if isinstance(target, models.Model):
        if target.pk is None:
            raise ValueError(f"A {target._meta.label_lower} without an id cannot be audited: save it first.")
        return target._meta.label_lower, clean_text(target.pk, longest=64)
    kind, identity = target
    if not kind or identity in (None, ""):
        raise ValueError("An audited target needs a type and an id.")
    return clean_text(kind, longest=100), clean_text(identity, longest=64)
