"""Two markets side by side, over real HTTP: each payout in its environment and currency, and no trouble shared."""

from collections.abc import Callable, Iterator
from datetime import datetime
from decimal import Decimal

import pytest

from disbursements import breaker
from disbursements.breaker import BreakerState
from disbursements.models import ProviderBalance
from disbursements.services.advance import Progress
from disbursements.services.callbacks import process_callback
from disbursements.services.floats import check_provider_balances
from ledger.models import Account
from ledger.selectors import balance_of
from ledger.services import open_account, open_float_account
from ledger.statuses import AccountKind
from tests.disbursements.conftest import CREDENTIALS, Line, RememberingOwner, assert_invariants, request_payout
from tests.disbursements.sandbox_flow import drive, paid
from tests.disbursements.test_callbacks import call_back
from tests.support.sandbox_process import SandboxProcess

pytestmark = pytest.mark.django_db(transaction=True)

NIGERIAN = "+2348031234567"
NAIRA = Decimal("12500.50")
FLOAT = 100_000_000


@pytest.fixture
def momo_naira(configure_naira: Callable[..., object], sandbox: SandboxProcess) -> Callable[..., None]:
    """The account in naira configured for the sandbox, or with what is changed."""

    def put(**changes: object) -> None:
        configure_naira(momo_base_url=sandbox.url, momo_read_timeout_seconds=1, **{**CREDENTIALS, **changes})

    put()
    return put


@pytest.fixture
def naira_budget() -> Account:
    return open_account(code="naira-budget", kind=AccountKind.EXPENSE, currency="NGN", name="Naira budget")


@pytest.fixture
def francs(flow: Line) -> Line:
    return flow


@pytest.fixture
def naira(naira_budget: Account, now: datetime, momo_naira: Callable[..., None], francs: Line) -> Iterator[Line]:
    yield ask_for_naira(naira_budget, now)
    assert_invariants()


def ask_for_naira(budget: Account, at: datetime, *, key: str = "naira-1") -> Line:
    content = {"currency": "NGN", "payee": NIGERIAN, "amount": NAIRA, "key": key}
    return Line(request_payout(budget, at, **content), at)


def where(line: Line) -> tuple[str, str, str]:
    return line.row.status, line.row.provider, line.row.environment


def test_each_is_paid_in_its_market(
    francs: Line, naira: Line, sandbox: SandboxProcess, owner: RememberingOwner
) -> None:
    drive(naira)
    drive(francs)

    assert where(naira) == ("completed", "mtn_momo_ng", "mtnnigeria")
    assert where(francs) == ("completed", "mtn_momo", "mtnrwanda")
    assert [(one["amount"], one["currency"], one["partyId"], one["status"]) for one in sandbox.transfers()] == [
        (12500.5, "NGN", "2348031234567", "SUCCESSFUL"),
        (5000, "RWF", "250788123456", "SUCCESSFUL"),
    ]
    assert sandbox.float_of("mtnnigeria") == FLOAT - 12500.5
    assert sandbox.float_of("mtnrwanda") == FLOAT - 5000
    assert balance_of(open_float_account(provider="mtn_momo_ng", currency="NGN")) == -NAIRA
    assert balance_of(open_float_account(provider="mtn_momo", currency="RWF")) == Decimal(-5000)
    assert owner.heard == ["paid", "paid"]


def test_callback_settles_the_payout_of_its_market(naira: Line, sandbox: SandboxProcess) -> None:
    naira.go()
    callback = call_back(naira)

    assert process_callback(callback_id=callback.pk, at=naira.at) == "settled"

    assert (where(naira), len(paid(sandbox))) == (("completed", "mtn_momo_ng", "mtnnigeria"), 1)


def test_number_of_the_other_market_is_refused_by_the_provider(
    naira_budget: Account, naira: Line, now: datetime, sandbox: SandboxProcess
) -> None:
    wrong = Line(request_payout(naira_budget, now, currency="NGN", key="to-rwanda"), now)

    drive(wrong)

    assert (wrong.row.status, wrong.row.error_code) == ("failed", "PAYEE_NOT_FOUND")
    assert paid(sandbox) == []


def test_breaker_of_one_market_does_not_pause_the_other(
    francs: Line,
    naira: Line,
    naira_budget: Account,
    now: datetime,
    sandbox: SandboxProcess,
    momo: Callable[..., None],
) -> None:
    momo(breaker_failures=1)
    second = ask_for_naira(naira_budget, now, key="naira-2")
    sandbox.faults("http_503", on="transfer", times=1)
    assert naira.go() == Progress.SENT

    assert (second.go(), second.row.wait_reason) == (Progress.HELD, "provider_paused")
    assert francs.go() == Progress.SENT
    drive(francs)

    assert where(francs) == ("completed", "mtn_momo", "mtnrwanda")
    assert breaker.report("mtn_momo_ng").state is BreakerState.OPEN
    assert breaker.report("mtn_momo").state is BreakerState.CLOSED


def test_short_float_in_one_market_does_not_hold_the_other(francs: Line, naira: Line, sandbox: SandboxProcess) -> None:
    sandbox.set_float(12_500, "NGN")
    while naira.row.wait_reason != "float_short":
        naira.go()

    drive(francs)
    assert where(francs) == ("completed", "mtn_momo", "mtnrwanda")
    assert (naira.row.status, naira.row.tries) == ("queued", 0)

    sandbox.set_float("12500.50", "NGN")
    assert check_provider_balances(at=naira.at) == 2
    drive(naira)

    assert (where(naira), sandbox.float_of("mtnnigeria")) == (("completed", "mtn_momo_ng", "mtnnigeria"), 0)
    balances = ProviderBalance.objects.order_by("provider")
    assert [(one.provider, one.environment, one.currency) for one in balances] == [
        ("mtn_momo", "mtnrwanda", "RWF"),
        ("mtn_momo_ng", "mtnnigeria", "NGN"),
    ]


def test_wrong_credentials_in_one_market_do_not_hold_the_other(
    francs: Line, naira: Line, momo_naira: Callable[..., None]
) -> None:
    momo_naira(momo_api_key="wrong")
    naira.go()
    drive(francs)

    assert (naira.row.status, naira.row.alarm, naira.row.error_code) == ("queued", "configuration", "login_failed")
    assert where(francs) == ("completed", "mtn_momo", "mtnrwanda")

    momo_naira()
    naira.wait(seconds=60)
    drive(naira)

    assert where(naira) == ("completed", "mtn_momo_ng", "mtnnigeria")
