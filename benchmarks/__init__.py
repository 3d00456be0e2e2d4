"""`make bench`: how fast the product is, beside the simplest thing that does the same work (docs/benchmarks.md).

The process that measures never loads Django: what touches the product runs in child processes (`acts`, gunicorn,
Celery), started as production starts them, each suite on a database of its own.
"""
