"""A benchmark that cannot be run, or whose result would mean nothing."""


class BenchmarkError(Exception):
    """Its text says what went wrong and where to look."""
