"""Handing a transfer over, against the sandbox (mobile money notes A4)."""

from decimal import Decimal
from uuid import UUID, uuid4

import pytest

from disbursements.providers.base import Answer, Outcome
from disbursements.statuses import ErrorClass
from tests.disbursements.momo.conftest import make_client, make_transfer, sign_in
from tests.support.ports import closed_port
from tests.support.sandbox_process import SandboxProcess


def test_send_accepted_writes_one_transfer_as_asked(sandbox: SandboxProcess) -> None:
    transfer = make_transfer()

    outcome = make_client(sandbox.url).send(transfer)

    assert outcome == Outcome(Answer.ACCEPTED, http_status=202)
    [line] = sandbox.transfers()
    assert line | {"createdAt": "", "status": ""} == {
        "referenceId": str(transfer.reference),
        "externalId": transfer.external_id,
        "amount": 5000,
        "currency": "RWF",
        "partyId": "250788123456",
        "status": "",
        "createdAt": "",
    }


def test_send_same_reference_twice_is_accepted_and_moves_money_once(sandbox: SandboxProcess) -> None:
    client, transfer = make_client(sandbox.url), make_transfer()
    client.send(transfer)

    outcome = client.send(transfer)

    assert (outcome.answer, outcome.code, outcome.http_status) == (Answer.ACCEPTED, "RESOURCE_ALREADY_EXIST", 409)
    assert len(sandbox.transfers()) == 1


def test_send_awkward_notes_are_made_plain(sandbox: SandboxProcess) -> None:
    awkward = "Félicitations! You've won “RWF 5,000” \U0001f389\r\nX-Evil: 1 " + "a" * 200

    outcome = make_client(sandbox.url).send(make_transfer(payer_message=awkward, payee_note=awkward))

    assert outcome.answer is Answer.ACCEPTED


def test_send_minor_units_are_kept(sandbox: SandboxProcess) -> None:
    client = make_client(sandbox.url, momo_target_environment="sandbox")

    outcome = client.send(make_transfer(amount=Decimal("12.50"), currency="EUR", payee="+46733123400"))

    assert outcome.answer is Answer.ACCEPTED
    assert sandbox.transfers()[0]["amount"] == 12.5


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"amount": Decimal("10.50")}, "UNSENDABLE_TRANSFER"),
        ({"amount": Decimal(0)}, "UNSENDABLE_TRANSFER"),
        ({"amount": Decimal("NaN")}, "UNSENDABLE_TRANSFER"),
        ({"currency": "XXX"}, "UNSENDABLE_TRANSFER"),
        ({"payee": "0788123456"}, "UNSENDABLE_TRANSFER"),
    ],
)
def test_send_what_cannot_be_written_is_turned_away_unsent(
    sandbox: SandboxProcess, changes: dict[str, object], code: str
) -> None:
    outcome = make_client(sandbox.url).send(make_transfer(**changes))

    assert (outcome.answer, outcome.error_class, outcome.code, outcome.http_status) == (
        Answer.TURNED_AWAY,
        ErrorClass.PERMANENT,
        code,
        None,
    )
    assert sandbox.transfers() == []


@pytest.mark.parametrize(
    ("settings", "transfer", "http_status", "code"),
    [
        # A version 1 UUID: MTN answers 400 with an empty body.
        ({}, {"reference": UUID("c232ab00-9414-11ec-b3c8-9f6bdeced846")}, 400, "HTTP_400"),
        ({}, {"currency": "KES"}, 500, "INVALID_CURRENCY"),
        ({"momo_target_environment": "mtnnowhere"}, {}, 500, "NOT_ALLOWED_TARGET_ENVIRONMENT"),
    ],
)
def test_send_refused_at_the_door_is_turned_away(
    sandbox: SandboxProcess, settings: dict[str, object], transfer: dict[str, object], http_status: int, code: str
) -> None:
    outcome = make_client(sandbox.url, **settings).send(make_transfer(**transfer))

    assert (outcome.answer, outcome.error_class) == (Answer.TURNED_AWAY, ErrorClass.CONFIGURATION)
    assert (outcome.http_status, outcome.code) == (http_status, code)
    assert sandbox.transfers() == []


@pytest.mark.parametrize(
    ("mode", "http_status", "code", "transfers"),
    [
        ("timeout_before_accept", None, "TIME_OUT", 0),
        ("timeout_after_accept", None, "TIME_OUT", 1),
        ("http_500_before_accept", 500, "INTERNAL_PROCESSING_ERROR", 0),
        ("http_500_after_accept", 500, "INTERNAL_PROCESSING_ERROR", 1),
        ("http_503", 503, "SERVICE_UNAVAILABLE", 0),
    ],
)
def test_send_without_clear_answer_is_unknown_whatever_happened(
    sandbox: SandboxProcess, mode: str, http_status: int | None, code: str, transfers: int
) -> None:
    sign_in(sandbox.url)
    # Silence is waited for as long as that, and it never ends by itself.
    client = make_client(sandbox.url, momo_read_timeout_seconds=3 if http_status is None else 30)
    sandbox.faults(mode, times=1, delayMs=600_000)

    outcome = client.send(make_transfer())

    assert (outcome.answer, outcome.error_class) == (Answer.UNKNOWN, ErrorClass.TEMPORARY)
    assert (outcome.http_status, outcome.code) == (http_status, code)
    assert len(sandbox.transfers()) == transfers


def test_send_after_unknown_repeats_the_same_reference_and_pays_once(sandbox: SandboxProcess) -> None:
    client, transfer = make_client(sandbox.url), make_transfer()
    sandbox.faults("http_500_after_accept", times=1)

    outcomes = [client.send(transfer), client.send(transfer)]

    assert [outcome.answer for outcome in outcomes] == [Answer.UNKNOWN, Answer.ACCEPTED]
    assert len(sandbox.transfers()) == 1


def test_send_without_connection_is_not_asked() -> None:
    client = make_client(f"http://127.0.0.1:{closed_port()}")

    outcome = client.send(make_transfer())

    assert outcome == Outcome(Answer.NOT_ASKED, ErrorClass.TEMPORARY, "CONNECTION_FAILED")


def test_send_with_revoked_token_renews_once_and_keeps_the_reference(sandbox: SandboxProcess) -> None:
    client, transfer = make_client(sandbox.url), make_transfer()
    first = client.calls.tokens.current()
    sandbox.faults("token_expired", times=1, on="transfer")

    outcome = client.send(transfer)

    assert outcome.answer is Answer.ACCEPTED
    assert [line["referenceId"] for line in sandbox.transfers()] == [str(transfer.reference)]
    assert client.calls.tokens.current() != first


def test_send_with_tokens_that_never_work_is_not_asked(sandbox: SandboxProcess) -> None:
    sandbox.faults("token_expired", times=1000, on="transfer")

    outcome = make_client(sandbox.url).send(make_transfer())

    assert (outcome.answer, outcome.error_class) == (Answer.NOT_ASKED, ErrorClass.CONFIGURATION)
    assert (outcome.http_status, outcome.code) == (401, "invalid_token")
    assert sandbox.transfers() == []


def test_send_asks_for_callback_to_the_path_of_its_reference(sandbox: SandboxProcess, settings: object) -> None:
    settings.PUBLIC_URL = "http://127.0.0.1:1"  # type: ignore[attr-defined]
    transfer = make_transfer(reference=uuid4())
    client = make_client(sandbox.url, momo_callbacks_enabled=True)

    client.send(transfer)

    [callback] = sandbox.wait_until(sandbox.callbacks)
    assert callback["url"] == (f"http://127.0.0.1:1/api/v1/webhooks/momo/disbursements/{transfer.reference}/")


@pytest.mark.parametrize(("public_url", "enabled"), [("", True), ("http://127.0.0.1:1", False)])
def test_send_asks_for_no_callback_without_address_or_when_switched_off(
    sandbox: SandboxProcess, settings: object, public_url: str, enabled: bool
) -> None:
    settings.PUBLIC_URL = public_url  # type: ignore[attr-defined]
    client, transfer = make_client(sandbox.url, momo_callbacks_enabled=enabled), make_transfer()

    client.send(transfer)

    assert client.ask(transfer.reference).answer is Answer.PAID
    assert sandbox.callbacks() == []


def test_send_to_refused_callback_host_is_turned_away(sandbox: SandboxProcess, settings: object) -> None:
    settings.PUBLIC_URL = "http://elsewhere.example"  # type: ignore[attr-defined]

    outcome = make_client(sandbox.url, momo_callbacks_enabled=True).send(make_transfer())

    assert (outcome.answer, outcome.error_class) == (Answer.TURNED_AWAY, ErrorClass.CONFIGURATION)
    assert outcome.code == "INVALID_CALLBACK_URL_HOST"
    assert sandbox.transfers() == []
