"""A handset for tests: it dials through the real addresses and believes only what the gateway would show."""

from dataclasses import dataclass, field

from ussd.handset import Call, InProcessLine, Line
from ussd.models import Gateway
from ussd.services.gateways import reveal_secret
from ussd.turns import Reply


@dataclass
class Handset(Call):
    """One dialogue. `dial` and `type` give the words; `ended` whether they were the last."""

    line: Line = field(default_factory=InProcessLine)
    network_code: str = "63510"
    last: Reply | None = None

    def dial(self) -> str:  # type: ignore[override]
        """Begin."""
        return self._send().text

    def type(self, text: str) -> str:  # type: ignore[override]
        """Answer the screen."""
        self.inputs = (*self.inputs, text)
        return self._send().text

    def repeat(self) -> str:
        """The network delivers the last request once more."""
        return self._send().text

    @property
    def ended(self) -> bool:
        """Whether the session was closed."""
        assert self.last is not None
        return self.last.ends

    def _send(self) -> Reply:
        self.last = super()._send()
        return self.last


def address_of(gateway: Gateway) -> str:
    """Where this gateway sends its turns."""
    return f"/api/v1/ussd/handle/{gateway.slug}/{reveal_secret(gateway=gateway)}/"
