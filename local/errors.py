"""Troubles that a person can mend."""


class LocalError(Exception):
    """An expected trouble. Its text is one line that says what is wrong and what to do about it."""
