"""Our accounts, one for each market: who pays which currency, by whose limits, and never two of them the same."""

import threading
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal

import pytest
from django.db import connection, connections, transaction

from configuration import snapshot
from configuration.changes import InvalidConfiguration
from configuration.models import ConfigurationVersion
from configuration.selectors import SettingsUnknown, stored_category
from configuration.services import change_category
from disbursements.accounts import (
    CurrencyNotPaid,
    UnknownProvider,
    account_of,
    account_paying,
    longest_call_seconds,
    paying_accounts,
)
from disbursements.configuration import NigeriaPayments, PaymentSettings, ProviderAccount, account
from disbursements.models import Disbursement
from disbursements.providers.registry import provider_for, provider_paying
from disbursements.services.requests import AmountOutOfRange
from disbursements.statuses import ProviderSlug
from ledger.models import Account
from ledger.services import open_account
from ledger.statuses import AccountKind
from tests.disbursements.conftest import request_payout

pytestmark = pytest.mark.django_db
NIGERIAN = "+2348031234567"
Configure = Callable[..., ProviderAccount]


def change(category: type[ProviderAccount], at: datetime, **changes: object) -> None:
    change_category(category, changes=changes, changed_by=None, reason="Test", at=at)


@pytest.fixture
def naira() -> Account:
    return open_account(code="naira-budget", kind=AccountKind.EXPENSE, currency="NGN", name="Naira budget")


def test_each_currency_has_its_account() -> None:
    assert (provider_paying("RWF"), provider_paying("NGN")) == ("mtn_momo", "mtn_momo_ng")
    assert list(paying_accounts()) == ["RWF", "NGN"]


def test_every_slug_has_an_account_and_a_builder() -> None:
    for slug in ProviderSlug:
        assert account_of(slug).provider == slug
        built = provider_for(slug)
        assert (built.slug, built.environment) == (slug, account_of(slug).momo_target_environment)


@pytest.mark.parametrize("act", [account_of, provider_for])
def test_slug_of_nobody_is_refused(act: Callable[[str], object]) -> None:
    with pytest.raises(UnknownProvider, match="known: mtn_momo, mtn_momo_ng"):
        act("mtn_momo_ke")


def test_currency_that_nobody_pays_is_refused() -> None:
    with pytest.raises(CurrencyNotPaid, match="Payouts are made in NGN and RWF, not in KES"):
        provider_paying("KES")


def test_account_switched_off_makes_no_new_payouts(naira: Account, owner: object, now: datetime) -> None:
    promised = request_payout(naira, now, currency="NGN", payee=NIGERIAN, key="before")
    change(NigeriaPayments, now, momo_enabled=False)

    with pytest.raises(CurrencyNotPaid, match="Payouts are made in RWF, not in NGN"):
        request_payout(naira, now, currency="NGN", payee=NIGERIAN, key="after")

    # What was promised is still sent from there.
    assert provider_for(promised.provider).environment == "mtnnigeria"
    assert Disbursement.objects.count() == 1


def test_no_account_at_all_is_refused_in_words(configure: Configure, configure_naira: Configure) -> None:
    configure(momo_enabled=False)
    configure_naira(momo_enabled=False)

    with pytest.raises(CurrencyNotPaid, match="Payouts are made in no currency, not in RWF"):
        account_paying("RWF")


def test_account_whose_settings_are_not_known_stops_only_its_own_currency(monkeypatch: pytest.MonkeyPatch) -> None:
    account_paying("NGN")
    unread = snapshot.Known(snapshot.UNREAD, 0, NigeriaPayments(), is_certain=False)
    monkeypatch.setitem(snapshot._known, NigeriaPayments.slug, unread)

    assert account_paying("RWF").provider == "mtn_momo"
    for currency in ("NGN", "KES"):
        with pytest.raises(SettingsUnknown):
            account_paying(currency)


@pytest.mark.usefixtures("owner")
@pytest.mark.parametrize(("amount", "is_taken"), [(49, False), (50, True), (1_000_000, True), (1_000_001, False)])
def test_limits_are_those_of_the_account_that_pays(naira: Account, now: datetime, amount: int, is_taken: bool) -> None:
    change(PaymentSettings, now, min_amount=Decimal(2000), max_amount=Decimal(3000))

    if is_taken:
        request_payout(naira, now, currency="NGN", payee=NIGERIAN, amount=Decimal(amount))
    else:
        with pytest.raises(AmountOutOfRange, match="between 50 and 1,000,000"):
            request_payout(naira, now, currency="NGN", payee=NIGERIAN, amount=Decimal(amount))

    assert Disbursement.objects.count() == is_taken


@pytest.mark.usefixtures("owner")
def test_threshold_is_that_of_the_account_that_pays(naira: Account, budget: Account, now: datetime) -> None:
    change(NigeriaPayments, now, approval_threshold=Decimal(4999))

    waits = request_payout(naira, now, currency="NGN", payee=NIGERIAN, key="naira")
    goes = request_payout(budget, now, key="francs")

    assert (waits.status, waits.provider) == ("awaiting_approval", "mtn_momo_ng")
    assert (goes.status, goes.provider) == ("queued", "mtn_momo")


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("owner")
def test_request_from_any_account_costs_four_statements(
    naira: Account, now: datetime, django_assert_num_queries: Callable[..., object]
) -> None:
    content = {"currency": "NGN", "payee": NIGERIAN}
    request_payout(naira, now, key="first", **content)

    with django_assert_num_queries(6):  # with BEGIN and COMMIT
        request_payout(naira, now, key="second", **content)


def test_claims_outlast_the_slowest_account(configure: Configure, configure_naira: Configure) -> None:
    configure(momo_connect_timeout_seconds=2, momo_read_timeout_seconds=10)
    configure_naira(momo_connect_timeout_seconds=3, momo_read_timeout_seconds=20)

    assert longest_call_seconds() == 23


@pytest.mark.parametrize(
    ("category", "currency", "other"),
    [(NigeriaPayments, "RWF", "'Payouts'"), (PaymentSettings, "NGN", "'Payouts in naira'")],
)
def test_currency_of_another_account_is_refused(
    category: type[ProviderAccount], currency: str, other: str, now: datetime
) -> None:
    with pytest.raises(InvalidConfiguration) as refused:
        change(category, now, momo_currency=currency)

    words = f"{other} pays {currency} already. Switch it off there, or change its currency, first."
    assert refused.value.errors == {"momo_currency": [words]}
    assert ConfigurationVersion.objects.count() == 0


def test_currency_may_move_from_an_account_that_is_switched_off_and_not_back(now: datetime) -> None:
    change(PaymentSettings, now, momo_enabled=False)
    change(NigeriaPayments, now, momo_currency="RWF", momo_target_environment="mtnrwanda")

    assert provider_paying("RWF") == "mtn_momo_ng"
    with pytest.raises(InvalidConfiguration, match="'Payouts in naira' pays RWF already"):
        change(PaymentSettings, now, momo_enabled=True)


def test_own_settings_are_changed_without_asking_oneself(now: datetime) -> None:
    change(PaymentSettings, now, max_amount=Decimal(10))
    change(PaymentSettings, now, momo_currency="KES")

    assert list(paying_accounts()) == ["KES", "NGN"]


def claim_at_once(at: datetime) -> list[str]:
    """Two people give two accounts the same currency; the first has not committed when the second begins."""
    refused: list[str] = []
    may_commit = threading.Event()

    def claim_second() -> None:
        try:
            change(PaymentSettings, at, momo_currency="KES")
        except InvalidConfiguration as error:
            refused.append(str(error))
        finally:
            may_commit.set()
            connections.close_all()

    second = threading.Thread(target=claim_second)
    with transaction.atomic():
        change(NigeriaPayments, at, momo_currency="KES")
        second.start()
        # Either it finishes beside us, or it is seen waiting for us.
        while not (may_commit.wait(0.02) or _is_somebody_waiting()):
            pass
    second.join()
    return refused


def _is_somebody_waiting() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
        return bool(cursor.fetchone()[0])


@pytest.mark.django_db(transaction=True)
def test_control_without_the_lock_two_at_once_take_one_currency(now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account, "lock_category", lambda _slug: None)

    assert claim_at_once(now) == []
    assert stored_category(PaymentSettings).values.momo_currency == "KES"


@pytest.mark.django_db(transaction=True)
def test_two_at_once_cannot_take_one_currency(now: datetime) -> None:
    assert claim_at_once(now) == [
        "momo_currency: 'Payouts in naira' pays KES already. Switch it off there, or change its currency, first."
    ]
    assert stored_category(PaymentSettings).values.momo_currency == "RWF"
