"""Secrets at rest: Fernet tokens under FIELD_ENCRYPTION_KEYS, newest key first.

The newest key encrypts; every key decrypts. To change keys put the new one first and keep the old ones after it, until
`manage.py doctor` says that nothing needs them.
"""

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings


class UnreadableSecret(ValueError):
    """A stored secret was encrypted with a key we no longer have, or was damaged."""

    code = "UNREADABLE_SECRET"


def encrypt(text: str) -> str:
    """`text` as a token that only holders of the keys can read."""
    return _fernet().encrypt(text.encode()).decode()


def decrypt(token: str) -> str:
    """What `encrypt` was given. Raises UnreadableSecret when no key fits."""
    try:
        return _fernet().decrypt(token.encode()).decode()
    except InvalidToken as error:
        raise UnreadableSecret(
            "No key in FIELD_ENCRYPTION_KEYS reads this secret; put the key it was stored with back at the end"
        ) from error


def renew(token: str) -> str:
    """The same secret under the newest key; the token as it is when no key reads it."""
    try:
        return _fernet().rotate(token.encode()).decode()
    except InvalidToken:
        return token


def _fernet() -> MultiFernet:
    # Built per call: a few microseconds, and a test or a reload that changes the keys is obeyed at once.
    return MultiFernet([Fernet(key) for key in settings.FIELD_ENCRYPTION_KEYS])
