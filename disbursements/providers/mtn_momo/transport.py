"""Where this client's connections come from: `outbound.exchange`."""

from outbound.exchange import _Watched

__all__ = ["_Watched"]
