"""What a token looks like and how it is hashed: pure functions (contract section 3)."""

import hashlib
import re
import secrets
from hmac import compare_digest

import bcrypt

LENGTH = 96
PREFIX_LENGTH = 8
CHECKSUM_LENGTH = 8
BCRYPT_ROUNDS = 10
_SHAPE = re.compile(rf"[0-9a-f]{{{LENGTH}}}")


def new_token() -> str:
    """96 random hexadecimal characters: 384 bits."""
    return secrets.token_hex(LENGTH // 2)


def has_token_shape(text: str) -> bool:
    """Whether it could be a token at all."""
    return bool(_SHAPE.fullmatch(text))


def prefix_of(token: str) -> str:
    """What the row is found by, and what people see of a token."""
    return token[:PREFIX_LENGTH]


def digest_of(token: str) -> str:
    """SHA-256 in hexadecimal. bcrypt reads 72 bytes at most, so it is given this instead of the token."""
    return hashlib.sha256(token.encode()).hexdigest()


def checksum_of(token: str) -> str:
    """32 bits of a hash of its own, stored beside the bcrypt hash and shown to nobody.

    bcrypt costs about 50 ms of CPU. The prefix is no secret, so whoever knows one could send wrong tokens and
    burn our CPU; with this, four thousand million of them cost one bcrypt. It leaves 320 of the token's bits unknown
    to somebody who has read prefix and checksum from the database.
    """
    return hashlib.sha256(b"token checksum:" + token.encode()).hexdigest()[:CHECKSUM_LENGTH]


def has_checksum(token: str, checksum: str) -> bool:
    """Compared in constant time."""
    return compare_digest(checksum_of(token), checksum)


def hash_digest(digest: str) -> str:
    """bcrypt, 10 rounds, over the token's digest."""
    return bcrypt.hashpw(digest.encode(), bcrypt.gensalt(rounds=BCRYPT_ROUNDS)).decode()


def has_hash(digest: str, token_hash: str) -> bool:
    """The slow comparison."""
    return bcrypt.checkpw(digest.encode(), token_hash.encode())
