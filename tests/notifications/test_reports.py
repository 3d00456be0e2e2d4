"""Delivery reports: stored, then believed as far as they fit."""

import itertools
import threading
from contextlib import suppress
from datetime import timedelta

import pytest
from django.db import connection

from configuration.selectors import current
from notifications.africastalking.answers import Kind, SendResult
from notifications.africastalking.reports import MalformedReport, read_report
from notifications.configuration import NotificationSettings
from notifications.models import DeliveryReport
from notifications.services import queueing, reports, sending
from notifications.services.reports import receive_report, sweep_reports
from notifications.services.sending import claim_message, record_result
from notifications.statuses import MessageStatus
from tests.notifications.messages import only_message, queue

ID = "ATXid_1"


@pytest.fixture(autouse=True)
def _no_broker(monkeypatch):
    monkeypatch.setattr(queueing.send_message, "delay", lambda *, message_id: None)


def accept(noon, provider_message_id=ID):
    """A message that the provider took."""
    queue(noon)
    take(noon, provider_message_id)


def take(noon, provider_message_id=ID):
    settings = current(NotificationSettings)
    claim = claim_message(at=noon, settings=settings)
    result = SendResult(Kind.ACCEPTED, provider_message_id=provider_message_id)
    assert record_result(claim=claim, result=result, at=noon, settings=settings)


def report(noon, status, reason="", provider_message_id=ID):
    form = {"id": provider_message_id, "status": status, "phoneNumber": "+250788123456"}
    if reason:
        form["failureReason"] = reason
    return receive_report(fields=read_report(form), at=noon + timedelta(seconds=5)).result


@pytest.mark.django_db
def test_delivered_message_says_when(noon):
    accept(noon)

    assert report(noon, "Success") == "applied"

    message = only_message()
    assert (message.status, message.delivered_at) == (MessageStatus.DELIVERED, noon + timedelta(seconds=5))
    stored = DeliveryReport.objects.get()
    assert (stored.provider_message_id, stored.status, stored.result) == (ID, "Success", "applied")
    assert stored.payload == {"id": ID, "status": "Success", "phoneNumber": "+250788123456"}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("status", "reason", "error_code"),
    [
        ("Failed", "DeliveryFailure", "DeliveryFailure"),
        ("Rejected", "UserInBlackList", "UserInBlackList"),
        ("Rejected", "NotNetworkSubcriber", "NotNetworkSubcriber"),
        ("Rejected", "SomethingNew", "SomethingNew"),
        ("Failed", "", "Failed"),
        ("AbsentSubscriber", "", "AbsentSubscriber"),
        ("Expired", "", "Expired"),
    ],
)
def test_message_that_did_not_arrive_says_why(noon, status, reason, error_code):
    accept(noon)

    assert report(noon, status, reason) == "applied"

    message = only_message()
    assert (message.status, message.error_code) == (MessageStatus.FAILED, error_code)
    assert message.error_message == f"Reported by the network: {status}"


@pytest.mark.django_db
@pytest.mark.parametrize("status", ["Sent", "Submitted", "Buffered"])
def test_report_on_the_way_changes_nothing(noon, status):
    accept(noon)

    assert report(noon, status) == "in_progress"

    assert only_message().status == MessageStatus.SENT


@pytest.mark.django_db
def test_unknown_status_is_kept_and_changes_nothing(noon):
    accept(noon)

    assert report(noon, "Teleported") == "unknown_status"

    assert only_message().status == MessageStatus.SENT
    assert DeliveryReport.objects.get().status == "Teleported"


@pytest.mark.django_db
def test_report_about_an_unknown_message_is_kept(noon):
    assert report(noon, "Success", provider_message_id="ATXid_other") == "unknown_message"

    assert DeliveryReport.objects.get().result == "unknown_message"


@pytest.mark.django_db
@pytest.mark.parametrize("order", list(itertools.permutations(["Sent", "Buffered", "Success", "Success"])))
def test_reports_in_any_order_and_repeated_end_in_delivery(noon, order):
    accept(noon)

    results = [report(noon, status) for status in order]

    assert only_message().status == MessageStatus.DELIVERED
    assert sorted(results) == ["applied", "in_progress", "in_progress", "repeated"]


@pytest.mark.django_db
@pytest.mark.parametrize("late", ["Sent", "Submitted", "Buffered", "AbsentSubscriber", "Expired"])
@pytest.mark.parametrize(("final", "status"), [("Success", "delivered"), ("Failed", "failed"), ("Rejected", "failed")])
def test_final_status_is_not_overwritten_by_one_that_is_not(noon, final, status, late):
    accept(noon)
    report(noon, final)

    assert report(noon, late) == "in_progress"

    assert only_message().status == status


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("first", "second", "status"), [("Success", "Failed", "delivered"), ("Failed", "Success", "failed")]
)
def test_contradicting_final_report_changes_nothing(noon, first, second, status):
    accept(noon)
    report(noon, first)

    assert report(noon, second) == "contradicts"

    assert only_message().status == status


@pytest.mark.django_db
@pytest.mark.parametrize("first", ["AbsentSubscriber", "Expired"])
@pytest.mark.parametrize(("second", "status"), [("Success", "delivered"), ("Failed", "failed")])
def test_unreached_phone_may_be_reached_later(noon, first, second, status):
    accept(noon)
    report(noon, first)

    assert report(noon, second, "DeliveryFailure" if second == "Failed" else "") == "applied"

    message = only_message()
    assert (message.status, message.error_code) == (status, "DeliveryFailure" if second == "Failed" else "")


@pytest.mark.django_db
def test_report_that_comes_before_our_own_record_is_applied_then(noon):
    queue(noon)
    assert report(noon, "Success") == "unknown_message"

    take(noon)

    assert only_message().status == MessageStatus.DELIVERED
    assert DeliveryReport.objects.get().result == "applied"


@pytest.mark.django_db
def test_report_stored_by_a_process_that_died_is_applied_by_the_sweep(noon, monkeypatch):
    accept(noon)
    monkeypatch.setattr(reports, "apply_report", lambda *, report: None)
    assert report(noon, "Success") == "received"
    monkeypatch.undo()

    assert sweep_reports(at=noon + timedelta(seconds=34)) == 0
    assert sweep_reports(at=noon + timedelta(seconds=35)) == 1

    assert only_message().status == MessageStatus.DELIVERED


def record_and_report_at_once(noon, monkeypatch, *, patience: float) -> None:
    """Our record of an id and the report that names it, each held for so many seconds when it has looked for the
    other's row: with the lock the other does not get there, without it both are sure to.
    """
    queue(noon)
    settings = current(NotificationSettings)
    claim = claim_message(at=noon, settings=settings)
    both_have_looked = threading.Barrier(2)

    def hold(look):
        def held(*args, **kwargs):
            found = look(*args, **kwargs)
            # Broken: the lock kept the other one from looking, as it should.
            with suppress(threading.BrokenBarrierError):
                both_have_looked.wait(timeout=patience)
            return found

        return held

    monkeypatch.setattr(sending, "apply_early_reports", hold(reports.apply_early_reports))
    monkeypatch.setattr(reports, "lock_reported_message", hold(reports.lock_reported_message))

    def record():
        try:
            result = SendResult(Kind.ACCEPTED, provider_message_id=ID)
            record_result(claim=claim, result=result, at=noon, settings=settings)
        finally:
            connection.close()

    recorder = threading.Thread(target=record)
    recorder.start()
    report(noon, "Success")
    recorder.join()


@pytest.mark.django_db(transaction=True)
def test_report_beside_our_record_without_the_lock_is_lost(noon, monkeypatch):
    monkeypatch.setattr(reports, "lock_provider_message", lambda provider_message_id: None)
    monkeypatch.setattr(sending, "lock_provider_message", lambda provider_message_id: None)

    record_and_report_at_once(noon, monkeypatch, patience=60)

    assert only_message().status == MessageStatus.SENT
    assert DeliveryReport.objects.get().result == "unknown_message"


@pytest.mark.django_db(transaction=True)
def test_report_beside_our_record_is_applied(noon, monkeypatch):
    record_and_report_at_once(noon, monkeypatch, patience=1)

    assert only_message().status == MessageStatus.DELIVERED
    assert DeliveryReport.objects.get().result == "applied"


def test_malformed_reports_are_refused():
    for form, words in [
        ({}, "'id' is missing"),
        ({"id": "x"}, "'status' is missing"),
        ({"id": "  ", "status": "Sent"}, "'id' is missing"),
        ({"id": "x" * 101, "status": "Sent"}, "'id' is longer than 100"),
        ({"id": "x", "status": "y" * 41}, "'status' is longer than 40"),
        ({"id": "x", "status": "Sent", "extra": "z" * 501}, "longer than 500"),
        ({"id": "x", "status": "Se\0nt"}, "NUL"),
        ({"id": "x", "status": "Sent"} | {str(number): "" for number in range(40)}, "More than 30 fields"),
    ]:
        with pytest.raises(MalformedReport, match=words):
            read_report(form)
