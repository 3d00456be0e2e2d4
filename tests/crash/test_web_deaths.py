"""A web process killed at every step of a redemption, and of a callback: all of it happened or nothing; it is paid."""

import json
from datetime import datetime, timedelta
from urllib.parse import urlencode

import pytest

from disbursements.models import Attempt, Disbursement, ProviderCallback
from promos.models import Batch, BudgetSlice, PromoCode, Redemption
from tests.crash.payouts import (
    AMOUNT,
    Payout,
    assert_invariants,
    configure,
    make_code,
    make_customer,
    paid_once,
    redeem_one,
)
from tests.crash.steps import HEAR_CALLBACK, REDEEM, REDEEMED
from tests.crash.workers import Life, Workers
from tests.support.redis_time import let_redis_age
from tests.support.sandbox_process import SandboxProcess
from tests.ussd.dialling import Handset
from ussd.models import Gateway
from ussd.services.gateways import create_gateway
from ussd.statuses import GatewayKind

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow, pytest.mark.timeout(600)]

HOURS = timedelta(hours=6)
PROMO = "*384*1234#"
PROMPT = "Welcome to Starhash.\nEnter your promo code:"
ON_ITS_WAY = f"RWF 5,000 is on its way to you.\n{PROMPT}"
OWN = "You redeemed this code already. Dial again any time to hear about your money."


@pytest.fixture
def gateway(now: datetime) -> Gateway:
    gateway, _secret = create_gateway(
        slug="at", name="AT", kind=GatewayKind.AFRICAS_TALKING, service_codes={PROMO: "promo"}, at=now
    )
    return gateway


@pytest.fixture
def code(batch: Batch, now: datetime) -> PromoCode:
    return make_code(batch, 1, at=now)


@pytest.fixture
def phone(gateway: Gateway, now: datetime) -> Handset:
    """A customer's phone, with the prompt on its screen."""
    configure(now)
    phone = Handset(gateway, make_customer(1).phone, PROMO)
    assert phone.dial() == PROMPT
    return phone


def type_and_die(workers: Workers, phone: Handset, code: PromoCode, *, at: datetime, fatal: str) -> Life:
    """The turn reaches a web process that is killed at that step."""
    phone.inputs = (str(code),)
    fields = {
        "sessionId": phone.session_id,
        "phoneNumber": phone.phone,
        "networkCode": phone.network_code,
        "serviceCode": phone.service_code,
        "text": "*".join(phone.inputs),
    }
    form = "application/x-www-form-urlencoded"
    return workers.answer(path=phone.path, body=urlencode(fields), content_type=form, at=at, fatal=fatal)


def pay_what_is_due(workers: Workers, sandbox: SandboxProcess, phone: Handset, *, at: datetime) -> None:
    """The dead process told no worker: sweeps find the payout."""
    workers.work(at=at, for_=HOURS)
    redemption = Redemption.objects.get()
    assert paid_once(Payout(redemption.disbursement_id, redemption.pk, phone.phone).story(sandbox))
    assert Disbursement.objects.count() == 1
    assert sum(part.remaining for part in BudgetSlice.objects.all()) == 99 * AMOUNT
    assert_invariants()


@pytest.mark.parametrize("step", REDEEM)
def test_killed_before_the_commit_leaves_nothing(
    step: str, phone: Handset, code: PromoCode, now: datetime, workers: Workers, sandbox: SandboxProcess
) -> None:
    life = type_and_die(workers, phone, code, at=now, fatal=step)

    assert (life.killed, life.steps[-1]) == (True, step)
    code.refresh_from_db()
    assert (code.status, Redemption.objects.count(), Disbursement.objects.count()) == ("active", 0, 0)
    assert sum(part.remaining for part in BudgetSlice.objects.all()) == 100 * AMOUNT
    assert_invariants()

    # The dead process held the phone's turn for its deadline; then the network delivers once more.
    let_redis_age(10)
    assert phone.repeat() == f"Code accepted. RWF 5,000 is being sent to {phone.phone}. You will get an SMS."
    pay_what_is_due(workers, sandbox, phone, at=now)


@pytest.mark.parametrize("step", REDEEMED)
@pytest.mark.parametrize("way", ["network repeats", "customer redials"])
def test_killed_after_the_commit_is_told_and_paid(
    way: str,
    step: str,
    phone: Handset,
    code: PromoCode,
    now: datetime,
    workers: Workers,
    sandbox: SandboxProcess,
) -> None:
    life = type_and_die(workers, phone, code, at=now, fatal=step)

    assert (life.killed, life.steps[-1]) == (True, step)
    code.refresh_from_db()
    assert (code.status, Redemption.objects.get().status) == ("used", "pending")

    let_redis_age(10)
    if way == "network repeats":
        assert phone.repeat() == f"Code accepted. RWF 5,000 is being sent to {phone.phone}. You will get an SMS."
    else:
        again = Handset(phone.gateway, phone.phone, PROMO)
        assert again.dial() == ON_ITS_WAY
        assert again.type(str(code)) == OWN
    pay_what_is_due(workers, sandbox, phone, at=now)


@pytest.mark.parametrize("step", HEAR_CALLBACK)
def test_killed_while_it_hears_a_callback(
    step: str, batch: Batch, now: datetime, workers: Workers, sandbox: SandboxProcess
) -> None:
    configure(now, poll_delays_seconds=(3600,))
    payout = redeem_one(batch, 1, at=now)
    life = workers.work(at=now, for_=timedelta(minutes=1))
    (attempt,) = Attempt.objects.filter(disbursement_id=payout.id)

    death = workers.answer(
        path=f"/api/v1/webhooks/momo/disbursements/{attempt.pk}/",
        body=json.dumps({"status": "SUCCESSFUL", "externalId": attempt.external_id}),
        content_type="application/json",
        at=life.at,
        fatal=step,
    )

    assert (death.killed, death.steps[-1]) == (True, step)
    is_stored = step == "callback_committed"
    assert ProviderCallback.objects.count() == is_stored
    # A stored one is found by the sweep; of a lost one nothing is missed but time: the poll asks.
    life = workers.work(at=life.at, for_=timedelta(minutes=1))
    assert payout.row.status == ("completed" if is_stored else "processing")
    workers.work(at=life.at, for_=HOURS)
    assert paid_once(payout.story(sandbox))
    assert_invariants()
