"""What the database itself refuses in rows that money depends on: unknown moves of a status, changed money."""

from collections.abc import Mapping

import pgtrigger


def status_moves(name: str, moves: Mapping[str, set[str]]) -> pgtrigger.FSM:
    """Refuses every move of `status` that the vocabulary does not name, whoever makes it."""
    return pgtrigger.FSM(
        name=name,
        field="status",
        # Sorted, because sets have no order and the trigger's text must not change from run to run.
        transitions=sorted((old, new) for old, targets in moves.items() for new in targets),
        condition=pgtrigger.AnyChange("status"),
    )


def fixed(name: str, *fields: str) -> pgtrigger.ReadOnly:
    """Refuses changes of fields that money depends on."""
    return pgtrigger.ReadOnly(name=name, fields=list(fields))


def kept(name: str) -> pgtrigger.Protect:
    """Refuses removal."""
    return pgtrigger.Protect(name=name, operation=pgtrigger.Delete)
