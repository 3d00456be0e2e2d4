"""What a provider sent us as it came, made fit to be stored: nothing of it is believed."""

from collections.abc import Mapping
from ipaddress import ip_address, ip_network

from django.http import HttpRequest, JsonResponse

MAX_BODY_BYTES = 65_536
MAX_HEADERS = 50
MAX_HEADER_LENGTH = 500
MASK = "********"
# A header with one of these in its name may open something.
SECRET_WORDS = ("auth", "cookie", "key", "token", "secret", "password", "session")


def is_from(sender: str | None, networks: tuple[str, ...]) -> bool:
    """Whether the address is in one of the networks; without any, every address is."""
    if not networks:
        return True
    return sender is not None and any(ip_address(sender) in ip_network(network) for network in networks)


def announced_length(request: HttpRequest) -> int:
    """The length Django will read at most; it takes what is no number for nothing."""
    try:
        return int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        return 0


def kept_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers as they came, secrets masked, lengths bounded."""
    return {
        name: MASK if any(word in name.lower() for word in SECRET_WORDS) else as_text(value)[:MAX_HEADER_LENGTH]
        for name, value in list(headers.items())[:MAX_HEADERS]
    }


def as_text(raw: bytes | str) -> str:
    r"""What PostgreSQL can keep: bytes that are no UTF-8, and NUL, become \xNN."""
    text = raw if isinstance(raw, str) else raw.decode("utf-8", "backslashreplace")
    return text.replace("\x00", "\\x00").encode("utf-8", "backslashreplace").decode()


def refuse(code: str, message: str, *, status: int) -> JsonResponse:
    """An answer that nothing was kept, and why."""
    return JsonResponse({"code": code, "message": message}, status=status)
