"""MTN's words and answers in ours: every row of the tables of A4, A5 and A6."""

import json
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from disbursements.providers.base import Answer
from disbursements.providers.mtn_momo.errors import CLASS_BY_CODE, REFUSED_AT_DOOR, Words, class_of
from disbursements.providers.mtn_momo.parsing import outcome_of_send, outcome_of_status
from disbursements.providers.mtn_momo.reading import read_document
from disbursements.statuses import ErrorClass
from outbound.exchange import Reply

PUBLISHED = [
    "PAYEE_NOT_FOUND",
    "PAYER_NOT_FOUND",
    "NOT_ALLOWED",
    "NOT_ALLOWED_TARGET_ENVIRONMENT",
    "INVALID_CALLBACK_URL_HOST",
    "INVALID_CURRENCY",
    "SERVICE_UNAVAILABLE",
    "INTERNAL_PROCESSING_ERROR",
    "NOT_ENOUGH_FUNDS",
    "PAYER_LIMIT_REACHED",
    "PAYEE_NOT_ALLOWED_TO_RECEIVE",
    "PAYMENT_NOT_APPROVED",
    "RESOURCE_NOT_FOUND",
    "APPROVAL_REJECTED",
    "EXPIRED",
    "TRANSACTION_CANCELED",
    "RESOURCE_ALREADY_EXIST",
]
OBSERVED = [
    "COULD_NOT_PERFORM_TRANSACTION",
    "SENDER_ACCOUNT_NOT_ACTIVE",
    "ONGOING",
    "PAYER_DELAYED",
    "PAYEE_DELAYED",
    "TRANSFER_TYPE_UNKNOWN",
    "LOW_BALANCE_OR_PAYEE_LIMIT_REACHED_OR_NOT_ALLOWED",
]

T, P, F, C = ErrorClass.TEMPORARY, ErrorClass.PERMANENT, ErrorClass.FLOAT, ErrorClass.CONFIGURATION


def reply(status: int, document: object = None) -> Reply:
    return Reply(status, b"" if document is None else json.dumps(document).encode())


def status_reply(**fields: object) -> Reply:
    return reply(
        200,
        {
            "amount": "50",
            "currency": "RWF",
            "externalId": "TX_1",
            "payee": {"partyIdType": "MSISDN", "partyId": "250788888888"},
            **fields,
        },
    )


def test_every_published_and_observed_code_has_a_class() -> None:
    assert len(PUBLISHED) == 17
    assert set(CLASS_BY_CODE) == {*PUBLISHED, *OBSERVED}
    assert set(CLASS_BY_CODE) >= REFUSED_AT_DOOR


def test_word_nobody_has_seen_may_pass() -> None:
    assert class_of("BRAND_NEW_WORD") is T


@pytest.mark.parametrize(
    ("status", "document", "answer", "error_class", "code"),
    [
        (202, None, Answer.ACCEPTED, None, ""),
        (202, {"code": "NOT_ALLOWED"}, Answer.ACCEPTED, None, ""),
        (400, None, Answer.TURNED_AWAY, C, "HTTP_400"),
        (400, {"code": "INVALID_CALLBACK_URL_HOST"}, Answer.TURNED_AWAY, C, "INVALID_CALLBACK_URL_HOST"),
        (401, {"error": "invalid_token"}, Answer.NOT_ASKED, C, "invalid_token"),
        (401, {"statusCode": 401, "message": "Access denied"}, Answer.NOT_ASKED, C, "HTTP_401"),
        (403, None, Answer.BLOCKED, C, "HTTP_403"),
        (404, None, Answer.BLOCKED, C, "HTTP_404"),
        (404, {"code": "RESOURCE_NOT_FOUND"}, Answer.BLOCKED, C, "RESOURCE_NOT_FOUND"),
        (403, {"code": "NOT_ALLOWED"}, Answer.TURNED_AWAY, C, "NOT_ALLOWED"),
        (403, {"code": "PAYEE_NOT_ALLOWED_TO_RECEIVE"}, Answer.TURNED_AWAY, P, "PAYEE_NOT_ALLOWED_TO_RECEIVE"),
        (409, {"code": "RESOURCE_ALREADY_EXIST"}, Answer.ACCEPTED, None, "RESOURCE_ALREADY_EXIST"),
        (409, None, Answer.ACCEPTED, None, "HTTP_409"),
        (500, {"code": "RESOURCE_ALREADY_EXIST"}, Answer.ACCEPTED, None, "RESOURCE_ALREADY_EXIST"),
        (429, None, Answer.NOT_ASKED, T, "HTTP_429"),
        (500, {"code": "NOT_ALLOWED"}, Answer.TURNED_AWAY, C, "NOT_ALLOWED"),
        (500, {"code": "NOT_ALLOWED_TARGET_ENVIRONMENT"}, Answer.TURNED_AWAY, C, "NOT_ALLOWED_TARGET_ENVIRONMENT"),
        (500, {"code": "INVALID_CALLBACK_URL_HOST"}, Answer.TURNED_AWAY, C, "INVALID_CALLBACK_URL_HOST"),
        (500, {"code": "INVALID_CURRENCY"}, Answer.TURNED_AWAY, C, "INVALID_CURRENCY"),
        (500, {"code": "NOT_ENOUGH_FUNDS"}, Answer.TURNED_AWAY, F, "NOT_ENOUGH_FUNDS"),
        (500, {"code": "PAYER_LIMIT_REACHED"}, Answer.TURNED_AWAY, T, "PAYER_LIMIT_REACHED"),
        (500, {"code": "PAYEE_NOT_FOUND"}, Answer.TURNED_AWAY, P, "PAYEE_NOT_FOUND"),
        (500, {"code": "INTERNAL_PROCESSING_ERROR"}, Answer.UNKNOWN, T, "INTERNAL_PROCESSING_ERROR"),
        (500, None, Answer.UNKNOWN, T, "HTTP_500"),
        (503, {"code": "SERVICE_UNAVAILABLE"}, Answer.UNKNOWN, T, "SERVICE_UNAVAILABLE"),
        (504, None, Answer.UNKNOWN, T, "HTTP_504"),
        (200, {"code": "NOT_ALLOWED"}, Answer.UNKNOWN, C, "NOT_ALLOWED"),
        (302, None, Answer.UNKNOWN, C, "HTTP_302"),
    ],
)
def test_send_answer_of_each_kind(
    status: int, document: object, answer: Answer, error_class: ErrorClass | None, code: str
) -> None:
    outcome = outcome_of_send(reply(status, document))

    assert (outcome.answer, outcome.error_class, outcome.code) == (answer, error_class, code)
    assert outcome.http_status == status


@pytest.mark.parametrize("code", [*PUBLISHED, *OBSERVED])
@pytest.mark.parametrize("as_object", [False, True])
def test_status_failed_has_the_class_of_its_reason(code: str, as_object: bool) -> None:
    reason = {"code": code, "message": "in words"} if as_object else code

    outcome = outcome_of_status(status_reply(status="FAILED", reason=reason))

    assert (outcome.answer, outcome.code, outcome.error_class) == (Answer.REFUSED, code, CLASS_BY_CODE[code])
    assert outcome.message == ("in words" if as_object else "")
    assert outcome.raw["reason"] == code


@pytest.mark.parametrize("reason", [None, "", [], 5.5, {"code": None}, {"message": "no code"}, {}])
def test_status_failed_without_readable_reason_is_still_refused(reason: object) -> None:
    outcome = outcome_of_status(status_reply(status="FAILED", reason=reason))

    assert (outcome.answer, outcome.error_class) == (Answer.REFUSED, T)
    assert outcome.code in {"FAILED", "5.5"}


@pytest.mark.parametrize("word", ["CREATED", "CANCELLED", "REJECTED", "TIMEOUT", "success", "SUCCESS"])
def test_status_word_that_is_not_mtns_is_not_final(word: str) -> None:
    outcome = outcome_of_status(status_reply(status=word))

    assert (outcome.answer, outcome.code) == (Answer.PENDING, word.upper())


@pytest.mark.parametrize("word", [None, "", 5.5, True, ["SUCCESSFUL"], {"status": "SUCCESSFUL"}])
def test_status_that_is_no_word_is_unknown(word: object) -> None:
    assert outcome_of_status(status_reply(status=word)).answer in {Answer.UNKNOWN, Answer.PENDING}


def test_status_pending_has_no_code() -> None:
    outcome = outcome_of_status(status_reply(status="PENDING"))

    assert (outcome.answer, outcome.code, outcome.error_class) == (Answer.PENDING, "", None)


@pytest.mark.parametrize("http_status", [201, 202, 400, 404, 500])
def test_status_paid_is_believed_only_with_200(http_status: int) -> None:
    document = json.loads(status_reply(status="SUCCESSFUL").body or b"")

    assert outcome_of_status(reply(http_status, document)).answer in {Answer.UNKNOWN, Answer.NOT_ASKED}


@pytest.mark.parametrize(
    ("fields", "amount", "payee"),
    [
        ({}, Decimal(50), "+250788888888"),
        ({"amount": 50}, Decimal(50), "+250788888888"),
        ({"amount": 50.25}, Decimal("50.25"), "+250788888888"),
        ({"amount": "50.00"}, Decimal("50.00"), "+250788888888"),
        ({"amount": 0.1}, Decimal("0.1"), "+250788888888"),
        ({"payee": {"partyIdType": "MSISDN", "partyId": 250788888888}}, Decimal(50), "+250788888888"),
        ({"payee": {"partyIdType": "msisdn", "partyId": "+250788888888"}}, Decimal(50), "+250788888888"),
        ({"payee": {"partyIdType": "EMAIL", "partyId": "250788888888"}}, Decimal(50), ""),
        ({"payee": "250788888888"}, Decimal(50), ""),
        ({"payee": None, "amount": None}, None, ""),
        ({"amount": "1e99"}, None, "+250788888888"),
        ({"amount": "NaN"}, None, "+250788888888"),
        ({"amount": True}, None, "+250788888888"),
    ],
)
def test_status_amount_and_payee_are_read_leniently(
    fields: dict[str, object], amount: Decimal | None, payee: str
) -> None:
    outcome = outcome_of_status(status_reply(status="SUCCESSFUL", financialTransactionId=684835019, **fields))

    assert (outcome.answer, outcome.transaction_id) == (Answer.PAID, "684835019")
    assert (outcome.amount, outcome.payee) == (amount, payee)


def test_status_texts_fit_their_columns_and_hold_no_control_characters() -> None:
    long = "x\x00\n" * 1000

    outcome = outcome_of_status(
        status_reply(status="FAILED", reason={"code": long, "message": long}, financialTransactionId=long, more=long)
    )

    assert (len(outcome.code), len(outcome.message), len(outcome.transaction_id)) == (80, 300, 100)
    assert "more" not in outcome.raw
    assert "\\u0000" not in json.dumps(outcome.raw)


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b'"x"', b"{", b"<html>", b"[" * 60_000, b"\xff", None])
def test_read_document_of_no_object_is_none(body: bytes | None) -> None:
    assert read_document(body) is None


def test_read_document_keeps_decimals_exact() -> None:
    assert read_document(b'{"a": 0.10, "b": NaN, "c": 7}') == {"a": "0.10", "b": "NaN", "c": 7}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.sampled_from(
    ["status", "reason", "amount", "currency", "payee", "code", "message", "error", "financialTransactionId"]
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # a busy machine is no fault
@given(
    status=st.integers(100, 599),
    body=st.binary(max_size=200) | st.dictionaries(FIELDS, JSON).map(lambda document: json.dumps(document).encode()),
)
def test_no_answer_raises_or_pays_by_accident(status: int, body: bytes) -> None:
    outcomes = [outcome_of_send(Reply(status, body)), outcome_of_status(Reply(status, body))]

    assert outcomes[0].answer not in {Answer.PAID, Answer.REFUSED}
    if outcomes[1].answer is Answer.PAID:
        assert status == 200
        assert json.loads(body)["status"].strip().upper() == "SUCCESSFUL"
    json.dumps([outcome.raw for outcome in outcomes], allow_nan=False)


def test_words_of_another_product_are_read_by_its_own_classes_and_party() -> None:
    words = Words(party="payer", class_of=lambda _code: ErrorClass.PERMANENT, refused_at_door=frozenset({"FULL"}))
    document = {
        "status": "FAILED",
        "reason": "NOT_ENOUGH_FUNDS",
        "payer": {"partyIdType": "MSISDN", "partyId": "250788123456"},
    }

    status = outcome_of_status(reply(200, document), words=words)
    at_door = outcome_of_send(reply(500, {"code": "FULL"}), words=words)

    assert (status.answer, status.error_class, status.payee) == (Answer.REFUSED, ErrorClass.PERMANENT, "+250788123456")
    assert (at_door.answer, at_door.error_class) == (Answer.TURNED_AWAY, ErrorClass.PERMANENT)
