"""Workers that die, are late, or meet: one at a time has a message, and another when that one is gone."""

import os
import signal
import subprocess
import sys
import threading
import time
from datetime import timedelta

import pytest
from django.db import connection

from configuration.selectors import current
from notifications.africastalking.answers import Kind, SendResult
from notifications.configuration import NotificationSettings
from notifications.models import SmsMessage
from notifications.services import queueing, sending
from notifications.services.sending import claim_message, record_result, send_due
from notifications.statuses import MessageStatus
from tests.notifications.messages import only_message, queue
from tests.support.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

SECOND = timedelta(seconds=1)


@pytest.fixture(autouse=True)
def _no_broker(monkeypatch):
    """Nobody but the test looks at a message."""
    monkeypatch.setattr(queueing.send_message, "delay", lambda *, message_id: None)


# A worker that dies

WORKER = """
import os, signal, sys
import django
django.setup()
from datetime import datetime
from notifications.services import sending

def die(**_):
    os.kill(os.getpid(), signal.SIGKILL)

sending.send = die
sending.send_message(message_id=sys.argv[1], at=datetime.fromisoformat(sys.argv[2]))
"""


def test_worker_killed_between_claim_and_call_is_followed_by_another(noon, sandbox):
    message = queue(noon)
    base, _, _ = os.environ["DATABASE_URL"].rpartition("/")
    environment = os.environ | {"DATABASE_URL": f"{base}/{connection.settings_dict['NAME']}"}

    worker = subprocess.run(
        [sys.executable, "-c", WORKER, str(message.id), noon.isoformat()], env=environment, check=False
    )

    assert worker.returncode == -signal.SIGKILL
    stored = only_message()
    assert (stored.status, stored.tries) == (MessageStatus.SENDING, 1)
    assert send_due(at=stored.next_action_at - SECOND) == 0
    assert send_due(at=stored.next_action_at) == 1
    stored.refresh_from_db()
    assert (stored.status, stored.tries) == (MessageStatus.SENT, 2)
    assert len(sandbox.sms()) == 1


def test_worker_whose_lease_ended_writes_nothing(noon, sandbox):
    settings = current(NotificationSettings)
    queue(noon)
    slow = claim_message(at=noon, settings=settings)
    follower = claim_message(at=noon + timedelta(minutes=5), settings=settings)

    late = SendResult(Kind.PERMANENT, "CouldNotRoute")
    assert not record_result(claim=slow, result=late, at=noon, settings=settings)
    assert record_result(
        claim=follower, result=SendResult(Kind.ACCEPTED, provider_message_id="ATXid_1"), at=noon, settings=settings
    )

    assert (only_message().status, only_message().error_code) == (MessageStatus.SENT, "")


# Two workers

# Whoever has found the message waits here until the test opens.
GATE_NUMBER = 4711
GATE = f"pg_advisory_xact_lock_shared({GATE_NUMBER}) IS NOT NULL"
WITHOUT_LOCK = f"""
    UPDATE notifications_sms SET status = %(sending)s, tries = tries + 1, next_action_at = %(lease_end)s
    WHERE id = (SELECT id FROM notifications_sms WHERE next_action_at <= %(at)s
                AND (%(id)s::uuid IS NULL OR id = %(id)s::uuid) AND {GATE} LIMIT 1)
    RETURNING id, "to", body, tries, queued_at
"""


def claim_at_once(noon, monkeypatch, statement: str) -> int:
    """Two workers claim the one message while both have looked and neither has committed; how many got it."""
    monkeypatch.setattr(sending, "_CLAIM", statement)
    settings = current(NotificationSettings)
    claims = []

    def work():
        try:
            claims.append(claim_message(at=noon, settings=settings))
        finally:
            connection.close()

    workers = [threading.Thread(target=work) for _ in range(2)]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [GATE_NUMBER])
        for worker in workers:
            worker.start()
        try:
            wait_until(lambda: waiting_at_the_gate(cursor) == 2, what="two workers to have looked")
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [GATE_NUMBER])
            for worker in workers:
                worker.join()
    return len([claim for claim in claims if claim])


def waiting_at_the_gate(cursor) -> int:
    cursor.execute(
        "SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = database"
        " WHERE datname = current_database() AND locktype = 'advisory' AND objid = %s AND NOT granted",
        [GATE_NUMBER],
    )
    return cursor.fetchone()[0]


def test_two_workers_without_the_row_lock_both_get_the_message(noon, monkeypatch):
    queue(noon)

    assert claim_at_once(noon, monkeypatch, WITHOUT_LOCK) == 2


def test_two_workers_at_once_make_one_claim(noon, monkeypatch):
    queue(noon)
    held = sending._CLAIM.replace("ORDER BY", f"AND {GATE} ORDER BY")

    assert claim_at_once(noon, monkeypatch, held) == 1
    assert only_message().tries == 1


def test_eight_sweeps_at_once_send_each_message_once(noon, sandbox, monkeypatch):
    # They end because nothing is left.
    monkeypatch.setattr(sending, "SWEEP_SECONDS", 60.0)
    for number in range(12):
        queue(noon, key=f"m{number}")
    counts = []

    def sweep():
        try:
            counts.append(send_due(at=noon))
        finally:
            connection.close()

    sweeps = [threading.Thread(target=sweep) for _ in range(8)]
    started = time.monotonic()
    for thread in sweeps:
        thread.start()
    for thread in sweeps:
        thread.join()

    assert sum(counts) == 12
    assert len(sandbox.sms()) == 12
    assert SmsMessage.objects.filter(status=MessageStatus.SENT, tries=1).count() == 12
    assert time.monotonic() - started < sending.SWEEP_SECONDS
