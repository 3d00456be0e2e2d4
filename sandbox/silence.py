"""Not answering: a response that hangs, then closes the connection without a byte."""

import asyncio
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol


class ClosableProtocol(H11Protocol):
    """uvicorn's HTTP protocol, which also tells the application how to hang up."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.app_state = {**self.app_state, "hang_up": transport.close}


class NoAnswer(Response):
    """Hangs for `delay_ms` or until the client gives up, then closes the connection."""

    def __init__(self, *, delay_ms: int) -> None:
        super().__init__()
        self.delay_ms = delay_ms

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await asyncio.wait_for(wait_for_disconnect(receive), timeout=self.delay_ms / 1000)
        # Cancelled when the sandbox is stopped, which is no error to write about.
        except (TimeoutError, asyncio.CancelledError):
            scope["state"]["hang_up"]()
            # Returning before the connection is gone would make uvicorn answer 500.
            await wait_for_disconnect(receive)


async def wait_for_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
