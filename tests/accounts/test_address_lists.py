"""Lists of addresses that may call."""

import pytest

from accounts.address_lists import allows, parse_networks, split_list


@pytest.mark.parametrize(
    ("texts", "stored"),
    [
        ([], []),
        (["192.0.2.7"], ["192.0.2.7/32"]),
        ([" 10.0.0.0/8 ", "10.0.0.0/8"], ["10.0.0.0/8"]),
        (["2001:DB8::/32", "::1"], ["2001:db8::/32", "::1/128"]),
        (["::ffff:192.0.2.7", "::ffff:10.0.0.0/104"], ["192.0.2.7/32", "10.0.0.0/8"]),
        (["::/0"], ["::/0"]),
    ],
)
def test_networks_are_stored_in_one_form(texts: list[str], stored: list[str]) -> None:
    assert parse_networks(texts) == stored
    assert parse_networks(stored) == stored


@pytest.mark.parametrize("text", ["", "localhost", "300.1.1.1", "10.0.0.1/8", "10.0.0.0/33", "10.0.0.0-10.0.0.9", "1"])
def test_what_is_no_network_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"network|host bits"):
        parse_networks(["192.0.2.7", text])


@pytest.mark.parametrize(
    ("networks", "address", "allowed"),
    [
        ([], "41.74.1.2", True),
        ([], None, True),
        (["41.74.1.2/32"], "41.74.1.2", True),
        (["41.74.1.2/32"], "41.74.1.3", False),
        (["41.74.1.2/32"], None, False),
        (["10.0.0.0/8", "41.74.0.0/16"], "41.74.255.255", True),
        (["10.0.0.0/8", "41.74.0.0/16"], "41.75.0.0", False),
        (["41.74.1.2/32"], "::ffff:41.74.1.2", True),
        (["41.74.1.2/32"], "::ffff:41.74.1.3", False),
        (["2001:db8::/32"], "2001:db8::7", True),
        (["2001:db8::/32"], "41.74.1.2", False),
        (["0.0.0.0/0"], "2001:db8::7", False),
    ],
)
def test_who_may_call(networks: list[str], address: str | None, allowed: bool) -> None:
    assert allows(networks, address) is allowed


def test_list_as_people_type_it() -> None:
    assert split_list(" 192.0.2.7,10.0.0.0/8\n::1,, ") == ["192.0.2.7", "10.0.0.0/8", "::1"]
