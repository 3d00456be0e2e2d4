"""Ports for tests, beside test processes that take some too."""

import os
import socket
from functools import cache
from itertools import count

# Below the range out of which systems give ports to whoever asks for any (Linux: 32768 and up), so that no client and
# no other server gets one of these between our look and the start of the server it is for. Test processes that run
# side by side have a stretch each.
FIRST, EACH = 20_000, 1_500
_OURS = FIRST + int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 8 * EACH
# Another run of the tests begins elsewhere.
_numbers = count(os.getpid())


def find_free_port() -> int:
    """A port for a server that is to start; no other test gets it, and it may start there again."""
    for _try in range(EACH):
        port = _OURS + next(_numbers) % EACH
        with socket.socket() as probe:
            # As servers do: connections that are still closing do not count.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
    raise AssertionError("no port is free")


@cache
def _hold_port() -> socket.socket:
    holder = socket.socket()
    holder.bind(("127.0.0.1", 0))
    return holder


def closed_port() -> int:
    """A port on which nobody listens, and nobody will while the tests run: it is taken."""
    port: int = _hold_port().getsockname()[1]
    return port
