"""Answers of the SMS API, as recorded from it and as its documentation lists them."""

import json

import pytest

from notifications.africastalking.answers import STATUS_CODES, Kind, SendResult, read_answer


def answer(*recipients, message="Sent to 1/1 Total Cost: KES 0.8000"):
    return json.dumps({"SMSMessageData": {"Message": message, "Recipients": list(recipients)}})


def recipient(code, **fields):
    return {"statusCode": code, "number": "+254711000001", "status": "x", "cost": "0", "messageId": "None"} | fields


def test_accepted_message_has_its_id():
    body = answer(recipient(101, status="Success", messageId="ATXid_1"))

    assert read_answer(http_status=201, body=body) == SendResult(Kind.ACCEPTED, provider_message_id="ATXid_1")


def test_accepted_message_without_an_id_is_accepted():
    assert read_answer(http_status=201, body=answer(recipient(100))) == SendResult(Kind.ACCEPTED)


@pytest.mark.parametrize(
    ("code", "name", "kind"),
    [
        (401, "RiskHold", Kind.HOLD),
        (402, "InvalidSenderId", Kind.OPERATOR),
        (403, "InvalidPhoneNumber", Kind.PERMANENT),
        (404, "UnsupportedNumberType", Kind.PERMANENT),
        (405, "InsufficientBalance", Kind.OPERATOR),
        (406, "UserInBlacklist", Kind.PERMANENT),
        (407, "CouldNotRoute", Kind.PERMANENT),
        (409, "DoNotDisturbRejection", Kind.QUIET_HOURS),
        (500, "InternalServerError", Kind.RETRY),
        (501, "GatewayError", Kind.RETRY),
        (502, "RejectedByGateway", Kind.PERMANENT),
        (999, "STATUS_999", Kind.RETRY),
    ],
)
def test_refused_recipient_has_a_class(code, name, kind):
    result = read_answer(http_status=201, body=answer(recipient(code, status=name)))

    assert (result.kind, result.code, result.message, result.unknown) == (kind, name, name, False)


def test_every_code_of_the_documentation_has_a_class():
    assert sorted(STATUS_CODES) == [100, 101, 102, 401, 402, 403, 404, 405, 406, 407, 409, 500, 501, 502]


@pytest.mark.parametrize(
    ("http_status", "body", "kind", "code", "unknown"),
    [
        (201, answer(message="InvalidSenderId"), Kind.OPERATOR, "InvalidSenderId", False),
        (201, answer(message="Something new"), Kind.RETRY, "NO_RECIPIENTS", False),
        (401, "The supplied authentication is invalid", Kind.OPERATOR, "HTTP_401", False),
        (400, "Request is missing required form field 'to'", Kind.OPERATOR, "HTTP_400", False),
        (404, "", Kind.OPERATOR, "HTTP_404", False),
        (302, "", Kind.OPERATOR, "HTTP_302", False),
        (429, "slow down", Kind.RETRY, "HTTP_429", False),
        (500, "There was an internal server error.", Kind.RETRY, "HTTP_500", True),
        (503, "", Kind.RETRY, "HTTP_503", True),
        (201, "<AfricasTalkingResponse/>", Kind.RETRY, "UNREADABLE_ANSWER", True),
        (201, "[]", Kind.RETRY, "UNREADABLE_ANSWER", True),
        (201, '{"SMSMessageData": {"Recipients": [{}]}}', Kind.RETRY, "UNREADABLE_ANSWER", True),
        (201, '{"SMSMessageData": {"Recipients": "no"}}', Kind.RETRY, "UNREADABLE_ANSWER", True),
        (200, "", Kind.RETRY, "UNREADABLE_ANSWER", True),
    ],
)
def test_answer_without_a_recipient_has_a_class(http_status, body, kind, code, unknown):
    result = read_answer(http_status=http_status, body=body)

    assert (result.kind, result.code, result.unknown) == (kind, code, unknown)


def test_words_of_the_provider_are_kept_short_and_storable():
    result = read_answer(http_status=500, body="a\0b\n" + "x" * 1000)

    assert len(result.message) == 300
    assert result.message.startswith("ab xxx")
