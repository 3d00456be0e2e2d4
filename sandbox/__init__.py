"""The simulated outside world: mobile money and SMS over real HTTP, in a process of its own.

It knows nothing of the product and imports none of it. Start it with `python -m sandbox`;
`sandbox/README.md` lists what it serves and how to make it fail.
"""
