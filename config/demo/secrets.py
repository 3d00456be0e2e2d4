"""Demo secrets are derived from this installation's SECRET_KEY: the same at every look, different everywhere else,
and stored nowhere in plain."""

import hashlib
import hmac

from django.conf import settings


def demo_password(email: str) -> str:
    """A password a person can type: `demo-` and 12 characters."""
    return f"demo-{_derive(f'password:{email}')[:12]}"


def demo_token(partner: str) -> str:
    """96 hexadecimal characters, the shape of every API token (contract section 3)."""
    return _derive(f"token:{partner}")


def _derive(name: str) -> str:
    return hmac.new(settings.SECRET_KEY.encode(), f"demo:{name}".encode(), hashlib.sha384).hexdigest()
