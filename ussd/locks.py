"""Every `select_for_update` of this app."""

from ussd.models import Gateway


def lock_gateway(gateway_id: int) -> Gateway:
    """The gateway, ours alone until the transaction ends."""
    return Gateway.objects.select_for_update(of=("self",)).get(pk=gateway_id)
