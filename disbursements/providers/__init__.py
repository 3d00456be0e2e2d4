"""Who moves the money. One folder per provider, behind the protocol in `base`."""
