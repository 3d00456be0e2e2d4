"""Wire formats, one file each. `format_of` finds the one a gateway speaks."""

from ussd.gateways import africastalking, json_middle, last_input
from ussd.gateways.base import WireFormat
from ussd.statuses import GatewayKind

_FORMATS: dict[str, WireFormat] = {
    GatewayKind.AFRICAS_TALKING: africastalking.AfricasTalking(),
    GatewayKind.LAST_INPUT: last_input.LastInput(),
    GatewayKind.JSON: json_middle.JsonMiddleServer(),
}


def format_of(kind: str) -> WireFormat:
    """The wire format of this kind of gateway."""
    return _FORMATS[kind]
