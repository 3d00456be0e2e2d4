"""Secrets of one DATA_DIR, made once and kept, so that sessions and encrypted fields outlive a restart."""

import base64
import json
import os
import secrets
from pathlib import Path

from local.connection import write_private
from local.errors import LocalError


def load_keys(data: Path) -> dict[str, str]:
    """SECRET_KEY and FIELD_ENCRYPTION_KEYS of `data`. A damaged file is an error: new keys would lock
    us out of what the old ones encrypted."""
    file = data / "keys.json"
    if not file.exists():
        made = {
            "SECRET_KEY": secrets.token_urlsafe(64),
            "FIELD_ENCRYPTION_KEYS": base64.urlsafe_b64encode(os.urandom(32)).decode(),  # a Fernet key
        }
        write_private(file, json.dumps(made))
    try:
        kept = json.loads(file.read_text())
        return {name: str(kept[name]) for name in ("SECRET_KEY", "FIELD_ENCRYPTION_KEYS")}
    except (ValueError, KeyError, TypeError) as error:
        raise LocalError(f"{file} is damaged: bring it back from a copy, or remove {data} to begin anew") from error
