"""While `make run` is up it leaves `DATA_DIR/servers.json`, so that `manage.py` finds its servers with no variable set
(contract section 8). Development settings look here and no others: production never starts on a developer's servers.
"""

import json
import os
from pathlib import Path

from config.environment import PROJECT_ROOT


def local_servers() -> dict[str, str]:
    """Variables that a running `make run` left for us; empty when none runs or the file is not ours to read."""
    data_dir = PROJECT_ROOT / Path(os.environ.get("DATA_DIR") or ".local").expanduser()
    try:
        found = json.loads((data_dir / "servers.json").read_text())
        if not _runs(int(found["pid"])):
            return {}
        return {str(name): str(value) for name, value in found["env"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _runs(pid: int) -> bool:
    """A killed `make run` leaves its file behind."""
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except OSError:
        return False
    return True
