"""The row is the queue: what a lost message leaves behind is found, and what is stuck is named."""

from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from disbursements import tasks
from disbursements.models import Disbursement
from disbursements.providers.base import Answer, Outcome
from disbursements.selectors import stuck_disbursements
from disbursements.services.callbacks import store_callback
from disbursements.services.stuck import report_stuck_disbursements
from disbursements.services.sweeps import RENUDGE_AFTER, sweep_due_disbursements, sweep_unprocessed_callbacks
from disbursements.statuses import ErrorClass
from ledger.models import Account
from tests.disbursements.conftest import Line, request_payout
from tests.disbursements.fake_provider import PENDING, World, refused, turn_away


@pytest.fixture
def nudged(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, float]]:
    """Ids handed to the workers and after how many seconds."""
    sent: list[tuple[str, float]] = []
    monkeypatch.setattr(
        tasks.advance,
        "apply_async",
        lambda *, kwargs, countdown=0, expires=None: sent.append((kwargs["disbursement_id"], countdown)),
    )
    return sent


@pytest.mark.django_db(transaction=True)
def test_request_and_steps_nudge_within_seconds_and_not_beyond(nudged, line: Line, world: World) -> None:
    world.asks = [PENDING] * 3
    for _ in range(4):
        line.go()

    # The request, then polls after 2 and 5 s; 15 and 30 s are the sweep's.
    assert nudged == [(str(line.id), 0), (str(line.id), 2), (str(line.id), 5)]


@pytest.mark.django_db(transaction=True)
def test_sweep_hands_each_due_payout_over_once_until_it_is_lost(nudged, line: Line) -> None:
    nudged.clear()

    assert sweep_due_disbursements(at=line.at) == 1
    assert sweep_due_disbursements(at=line.at + timedelta(seconds=59)) == 0
    assert sweep_due_disbursements(at=line.at + timedelta(seconds=60)) == 1
    assert nudged == [(str(line.id), 0)] * 2

    line.wait(seconds=60)
    line.go()
    assert sweep_due_disbursements(at=line.at) == 0
    assert sweep_due_disbursements(at=line.row.next_action_at) == 1


@pytest.mark.django_db(transaction=True)
def test_nudge_of_a_sweep_is_gone_when_the_next_one_is_sent(
    line: Line, budget: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    lives: list[float | None] = []
    for task in (tasks.advance, tasks.process_callback):
        monkeypatch.setattr(task, "apply_async", lambda **options: lives.append(options.get("expires")))
    request_payout(budget, line.at, key="fresh")
    store_callback(provider="mtn_momo", reference="x", method="PUT", headers={}, body="", ip=None, at=line.at)
    assert lives == [None, None]

    sweep_due_disbursements(at=line.at)
    sweep_unprocessed_callbacks(at=line.at + timedelta(seconds=10))

    assert lives[2:] == [RENUDGE_AFTER.total_seconds()] * 3


@pytest.mark.django_db(transaction=True)
def test_sweep_takes_the_oldest_first_and_no_more_than_its_limit(nudged, line: Line, budget: Account) -> None:
    older = request_payout(budget, line.at - timedelta(hours=1), key="older")
    nudged.clear()

    assert sweep_due_disbursements(at=line.at, limit=1) == 1
    assert nudged == [(str(older.pk), 0)]


@pytest.mark.django_db(transaction=True)
def test_broker_that_is_away_loses_nothing(line: Line, monkeypatch: pytest.MonkeyPatch, budget: Account) -> None:
    def refuse(**_kwargs: object) -> None:
        raise ConnectionError("broker")

    monkeypatch.setattr(tasks.advance, "apply_async", refuse)
    other = request_payout(budget, line.at, key="other")

    assert other.status == "queued"
    assert sweep_due_disbursements(at=line.at) == 2


@pytest.mark.django_db
def test_settled_payouts_are_not_swept(line: Line) -> None:
    line.go()
    line.go()

    assert sweep_due_disbursements(at=line.at + timedelta(days=9)) == 0


@pytest.mark.django_db
def test_stuck_payouts_are_named(line: Line, world: World) -> None:
    world.asks = [PENDING] * 99
    line.go()
    hour = timedelta(hours=1)
    assert report_stuck_disbursements(at=line.row.open_since + hour - timedelta(seconds=1)) == 0

    with capture_logs() as logs:
        assert report_stuck_disbursements(at=line.row.open_since + hour) == 1

    assert [(entry["event"], entry["status"], entry["open_minutes"]) for entry in logs] == [
        ("payout_stuck", "processing", 60)
    ]


@pytest.mark.django_db
def test_waiting_for_the_next_try_is_not_stuck_until_it_is_overdue(line: Line, world: World, configure) -> None:
    configure(retry_delays_seconds={"promo": (86_400,)})
    world.next_fates = [refused(ErrorClass.TEMPORARY)]
    line.go()
    line.go()

    assert not stuck_disbursements(at=line.at + timedelta(hours=12)).exists()
    assert stuck_disbursements(at=line.row.next_action_at + timedelta(hours=1)).exists()


@pytest.mark.django_db
def test_settled_payouts_are_not_stuck(line: Line) -> None:
    line.go()
    line.go()

    assert not stuck_disbursements(at=line.at + timedelta(days=9)).exists()


@pytest.mark.django_db
def test_asking_after_a_next_try_that_was_waited_for_can_be_stuck(line: Line, world: World) -> None:
    world.sends = [turn_away(ErrorClass.TEMPORARY, "PAYER_LIMIT_REACHED")]
    line.go()
    assert (line.row.status, line.row.wait_reason) == ("queued", "retry")
    world.asks = [Outcome(Answer.UNKNOWN, ErrorClass.TEMPORARY, "HTTP_500")] * 20

    for _ in range(12):
        line.go()

    assert (line.row.status, line.row.wait_reason) == ("processing", "")
    assert list(stuck_disbursements(at=line.at)) == [line.row]


@pytest.mark.django_db
def test_only_what_is_queued_is_excused_from_being_stuck(line: Line, world: World) -> None:
    world.asks = [PENDING]
    line.go()
    Disbursement.objects.update(wait_reason="retry", next_action_at=line.at + timedelta(days=1))

    assert stuck_disbursements(at=line.at + timedelta(hours=1)).exists()
