"""`python -m sandbox`: the simulated outside world on one port. See sandbox/README.md."""

import logging
import socket
import sys

import uvicorn
from pydantic import ValidationError

from sandbox.app import build_app
from sandbox.controls import explain
from sandbox.options import Options, parse_options
from sandbox.silence import ClosableProtocol
from sandbox.store import Store, StoreUnavailable
from sandbox.world import build_world

# Longer than any client keeps an idle connection, so that none is closed under a request.
KEEP_ALIVE_SECONDS = 120
# What a shell expects of a program that Ctrl-C ended.
INTERRUPTED = 130


def main() -> int:
    logging.basicConfig(level=logging.INFO, format="sandbox: %(message)s")
    options = parse_options()
    try:
        listener = listen(options)
        world = build_world(options=options, store=Store(options.data))
    except OSError as error:
        return complain(f"cannot listen on {options.host}:{options.port}: {error.strerror}")
    except StoreUnavailable as error:
        return complain(str(error))
    except ValidationError as error:
        return complain(f"a start option is out of range: {explain(error)}")
    host, port = listener.getsockname()[:2]
    logging.getLogger("sandbox").info("http://%s:%s, book in %s", host, port, options.data)
    config = uvicorn.Config(
        build_app(world),
        http=ClosableProtocol,
        ws="none",
        log_config=None,
        log_level="warning",
        access_log=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=1,
    )
    try:
        uvicorn.Server(config).run(sockets=[listener])
    except KeyboardInterrupt:
        return INTERRUPTED
    return 0


def listen(options: Options) -> socket.socket:
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    # asyncio turns Nagle's delay (40 ms an answer) off only where the protocol is named.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    # A restarted sandbox takes its port back at once.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((options.host, options.port))
    return listener


def complain(text: str) -> int:
    sys.stderr.write(f"sandbox: {text}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
