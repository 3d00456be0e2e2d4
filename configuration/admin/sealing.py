"""A previewed change on its way through the browser and back: encrypted, so that what is saved is what was shown.

Secrets that were typed are in it; nobody can read or alter it on the way, and only the person who previewed may save.
"""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from configuration.encryption import UnreadableSecret, decrypt, encrypt

# How long a preview may be looked at before it has to be made again.
VALID_FOR = timedelta(hours=1)


class StalePreview(ValueError):
    """The preview is too old, was made by somebody else, or for another category. Nothing was saved."""

    code = "STALE_PREVIEW"

    def __init__(self) -> None:
        super().__init__("This preview can no longer be saved: preview the change again.")


@dataclass(frozen=True)
class Proposal:
    """What was previewed: changes, or a version to go back to; and the version it was compared with."""

    version: int
    changes: dict[str, Any] | None = None
    roll_back_to: int | None = None


def seal(proposal: Proposal, *, category: str, user_id: Any, at: datetime) -> str:
    """The proposal as a text only we can read."""
    return encrypt(
        json.dumps(
            {
                "category": category,
                "user": str(user_id),
                "at": at.isoformat(),
                "version": proposal.version,
                "changes": proposal.changes,
                "roll_back_to": proposal.roll_back_to,
            }
        )
    )


def unseal(sealed: str, *, category: str, user_id: Any, at: datetime) -> Proposal:
    """The proposal back. Raises StalePreview for anything but what `seal` gave this person within the hour."""
    try:
        found = json.loads(decrypt(sealed))
        made_at = datetime.fromisoformat(found["at"])
    except (UnreadableSecret, ValueError, KeyError, TypeError) as error:
        raise StalePreview() from error
    if (found["category"], found["user"]) != (category, str(user_id)) or not made_at <= at <= made_at + VALID_FOR:
        raise StalePreview()
    return Proposal(version=found["version"], changes=found["changes"], roll_back_to=found["roll_back_to"])
