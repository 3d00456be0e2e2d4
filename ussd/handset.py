"""A handset for the terminal: it speaks the gateway's own wire format to the real address.

Over HTTP to a running web process, or inside this process when none runs.
"""

import uuid
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

import requests
from django.test import Client

from ussd.gateways import format_of
from ussd.gateways.base import Dialled
from ussd.models import Gateway
from ussd.services.gateways import reveal_secret
from ussd.turns import Reply

# Seconds. A gateway gives up after about ten.
CONNECT_SECONDS, ANSWER_SECONDS = 1, 12


class NoAnswer(Exception):
    """What came back is not an answer a gateway could show."""


class Line(Protocol):
    """How bytes get to the address and back: status and body."""

    def post(self, path: str, body: bytes, content_type: str) -> tuple[int, bytes]: ...


class HttpLine:
    """To a web process."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url.rstrip("/")
        self._http = requests.Session()

    def answers(self) -> bool:
        """Whether a web process of this product listens there."""
        try:
            return self._http.get(f"{self.base_url}/healthz/live", timeout=CONNECT_SECONDS).ok
        except requests.RequestException:
            return False

    def post(self, path: str, body: bytes, content_type: str) -> tuple[int, bytes]:
        """Raises NoAnswer when the connection fails."""
        try:
            response = self._http.post(
                self.base_url + path,
                data=body,
                headers={"Content-Type": content_type},
                timeout=(CONNECT_SECONDS, ANSWER_SECONDS),
            )
        except requests.RequestException as error:
            raise NoAnswer(f"{self.base_url} does not answer: {error}") from error
        return response.status_code, response.content


class InProcessLine:
    """To the same views, without a network between."""

    def __init__(self) -> None:
        self._client = Client()

    def post(self, path: str, body: bytes, content_type: str) -> tuple[int, bytes]:
        """The view's answer."""
        response = self._client.post(path, body, content_type=content_type)
        return response.status_code, response.content


@dataclass
class Call:
    """One dialogue, from dialling to the end."""

    gateway: Gateway
    phone: str
    service_code: str
    line: Line
    network_code: str = ""
    session_id: str = field(default_factory=lambda: f"ATUid_{uuid.uuid4().hex}")
    inputs: tuple[str, ...] = ()

    @cached_property
    def path(self) -> str:
        """Where the gateway sends its turns."""
        return f"/api/v1/ussd/handle/{self.gateway.slug}/{reveal_secret(gateway=self.gateway)}/"

    def dial(self) -> Reply:
        """The first screen. Raises NoAnswer."""
        return self._send()

    def type(self, text: str) -> Reply:
        """The next screen. Raises NoAnswer."""
        self.inputs = (*self.inputs, text)
        return self._send()

    def _send(self) -> Reply:
        wire = format_of(self.gateway.kind)
        dialled = Dialled(self.session_id, self.phone, self.service_code, self.inputs, self.network_code)
        body, content_type = wire.write_request(dialled)
        status, answer = self.line.post(self.path, body, content_type)
        if status != 200:
            raise NoAnswer(f"The gateway would show an error: status {status}, {answer[:200].decode(errors='replace')}")
        try:
            return wire.read_reply(answer)
        except (ValueError, KeyError, TypeError) as error:
            raise NoAnswer(f"The gateway would not understand the answer: {answer[:200]!r}") from error
