"""The kinds of values that settings of payouts hold, and what makes each good."""

from decimal import Decimal
from ipaddress import ip_network
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr

DAY_SECONDS = 86_400


def check_url(value: str) -> str:
    """A bare http(s) address, without slash. Raises ValueError for anything more, and for anything unreadable."""
    parts = urlsplit(value)
    rest = (parts.username, parts.path.strip("/"), parts.query, parts.fragment)
    if parts.scheme not in {"http", "https"} or not parts.hostname or any(rest):
        raise ValueError("must be http:// or https:// and a host, nothing else")
    _ = parts.port  # raises ValueError for a port that is none
    return value.rstrip("/")


def check_user_agent(value: str) -> str:
    """MTN's new platform answers 403 to the name of the HTTP library (mobile money notes A1)."""
    if "python-requests" in value.lower():
        raise ValueError("must not contain python-requests: MTN refuses it")
    return value


def check_header_secret(value: SecretStr) -> SecretStr:
    """What travels in a header must be plain printable characters."""
    text = value.get_secret_value()
    if len(text) > 200 or not (text.isascii() and text.isprintable()) or text != text.strip():
        raise ValueError("must be at most 200 plain characters without spaces around them")
    return value


def check_network(value: str) -> str:
    """An IP address or network. Raises ValueError for anything else."""
    return str(ip_network(value))


Url = Annotated[str, AfterValidator(check_url), Field(max_length=200)]
UserAgent = Annotated[str, AfterValidator(check_user_agent), Field(pattern=r"^[!-~]([ -~]{0,98}[!-~])?$")]
Network = Annotated[str, AfterValidator(check_network)]
HeaderSecret = Annotated[SecretStr, AfterValidator(check_header_secret)]
Seconds = Annotated[int, Field(ge=1, le=7 * DAY_SECONDS)]
Schedule = Annotated[tuple[Seconds, ...], Field(min_length=1, max_length=20)]
Money = Annotated[Decimal, Field(ge=0, max_digits=14, decimal_places=2)]
