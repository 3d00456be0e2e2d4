"""Everything a developer's machine needs that production gets from elsewhere.

An embedded PostgreSQL and Valkey, and a supervisor for web, worker, beat and sandbox.
`python -m local` is `make run`; `python -m local exec -- COMMAND` is how the tests get their servers.
Imports none of the apps, and no Django: the product knows these servers only by their URLs.
"""
