"""The sandbox's demo data: who signs in, which gateways call, what can be dialled."""
