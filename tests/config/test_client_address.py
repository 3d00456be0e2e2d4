"""The caller's address: as many proxies as we run are believed, and nobody else."""

import pytest
import structlog
from django.test import RequestFactory, override_settings

from config.client_address import client_address
from config.request_context import bind_address


def address(*, proxies: int, forwarded: str | None, peer: str = "10.0.0.9") -> str | None:
    headers = {} if forwarded is None else {"HTTP_X_FORWARDED_FOR": forwarded}
    with override_settings(TRUSTED_PROXIES=proxies):
        return client_address(RequestFactory().get("/", REMOTE_ADDR=peer, **headers))


@pytest.mark.parametrize(
    ("proxies", "forwarded", "expected"),
    [
        (0, None, "10.0.0.9"),
        (0, "6.6.6.6", "10.0.0.9"),
        (1, "41.74.1.2", "41.74.1.2"),
        (1, "6.6.6.6, 41.74.1.2", "41.74.1.2"),
        (1, " 6.6.6.6 ,, 41.74.1.2 ", "41.74.1.2"),
        (2, "6.6.6.6, 41.74.1.2, 172.16.0.1", "41.74.1.2"),
        (1, "2001:DB8::0001", "2001:db8::1"),
        # Fewer entries than proxies: it did not come through all of them, so nothing in it is believed.
        (2, "6.6.6.6", "10.0.0.9"),
        (1, None, "10.0.0.9"),
        (1, "", "10.0.0.9"),
        (1, "not an address", None),
    ],
)
def test_address(proxies: int, forwarded: str | None, expected: str | None) -> None:
    assert address(proxies=proxies, forwarded=forwarded) == expected


def test_without_an_address_there_is_none() -> None:
    # A proxy that speaks through a socket file.
    assert address(proxies=0, forwarded=None, peer="") is None


def test_logs_say_the_believed_address() -> None:
    request = RequestFactory().get("/", REMOTE_ADDR="10.0.0.9", HTTP_X_FORWARDED_FOR="6.6.6.6, 41.74.1.2")
    with override_settings(TRUSTED_PROXIES=1), structlog.contextvars.bound_contextvars(ip=None):
        bind_address(request=request)
        assert structlog.contextvars.get_contextvars()["ip"] == "41.74.1.2"
