"""A transfer as MTN reads it (mobile money notes A4)."""

import json
import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from disbursements.providers.mtn_momo.wire import (
    NOTE_LENGTH,
    UnsendableTransfer,
    amount_text,
    party_id,
    plain_note,
    transfer_body,
)
from tests.disbursements.momo.conftest import make_transfer


def test_transfer_body_has_exactly_the_fields_of_mtn() -> None:
    transfer = make_transfer(external_id="ext-1", payer_message="Promo", payee_note="You've won")

    assert json.loads(transfer_body(transfer)) == {
        "amount": "5000",
        "currency": "RWF",
        "externalId": "ext-1",
        "payee": {"partyIdType": "MSISDN", "partyId": "250788123456"},
        "payerMessage": "Promo",
        "payeeNote": "You ve won",
    }


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        ("500", "RWF", "500"),
        ("500.00", "RWF", "500"),
        ("5E+3", "RWF", "5000"),
        ("12.50", "EUR", "12.50"),
        ("12.5", "EUR", "12.50"),
        ("12.00", "EUR", "12"),
        ("999999999999.99", "NGN", "999999999999.99"),
    ],
)
def test_amount_text_has_a_decimal_point_only_where_needed(amount: str, currency: str, text: str) -> None:
    assert amount_text(Decimal(amount), currency) == text


@pytest.mark.parametrize(
    ("amount", "currency"),
    [("0.50", "RWF"), ("0.005", "EUR"), ("0", "RWF"), ("-5", "RWF"), ("NaN", "RWF"), ("Infinity", "EUR"), ("5", "QQQ")],
)
def test_amount_text_never_rounds_or_guesses(amount: str, currency: str) -> None:
    with pytest.raises(UnsendableTransfer):
        amount_text(Decimal(amount), currency)


def test_party_id_is_digits_without_plus() -> None:
    assert party_id("+250788123456") == "250788123456"


@pytest.mark.parametrize("payee", ["250788123456", "+0250788123", "+25078812345a", "", "+", "+٢٥٠٧٨٨١٢٣٤٥٦", "+1" * 20])
def test_party_id_refuses_what_is_not_e164(payee: str) -> None:
    with pytest.raises(UnsendableTransfer):
        party_id(payee)


@given(st.text(max_size=400))
def test_plain_note_is_always_what_mtn_takes(text: str) -> None:
    note = plain_note(text)

    assert re.fullmatch(r"[A-Za-z0-9 .,:/_-]*", note)
    assert len(note) <= NOTE_LENGTH
    assert plain_note(note) == note


def test_plain_note_keeps_letters_under_accents() -> None:
    assert plain_note("Félicitations, é’s!") == "Felicitations, e s"
