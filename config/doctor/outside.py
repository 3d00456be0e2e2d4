"""Providers and callbacks: can money leave, and can word of it come back?"""

from collections import Counter

import requests
from django.conf import settings

from config.doctor.findings import Finding, Verdict, judge
from configuration.selectors import current
from disbursements.accounts import all_accounts, name_currencies, paying_accounts
from disbursements.configuration import ProviderAccount
from disbursements.providers.registry import provider_for
from loans.collecting import build_client
from loans.collection_settings import CollectionSettings
from notifications.configuration import NotificationSettings


def check_callbacks() -> list[Finding]:
    """Providers call PUBLIC_URL. Polling finds every outcome without it, only later."""
    url = settings.PUBLIC_URL
    fix = "Set PUBLIC_URL to the https address providers reach, and register that host with the provider."
    if not url:
        return [Finding("callback address", Verdict.WARN, "PUBLIC_URL is not set", fix)]
    try:
        answer = requests.get(f"{url}/healthz/live", timeout=(3, 5), allow_redirects=False).status_code
    except requests.RequestException as error:
        return [Finding("callback address", Verdict.WARN, f"{url} did not answer: {type(error).__name__}", fix)]
    safe = settings.SANDBOX or url.startswith("https://")
    return [
        judge(
            "callback address",
            answer == 200 and safe,
            f"{url} answered {answer}",
            fix,
            otherwise=Verdict.WARN,
        )
    ]


def check_provider() -> list[Finding]:
    """Credentials and address of each account that makes payouts, by asking for our float there."""
    return [_look_at_account(account) for account in paying_accounts().values()]


def check_accounts() -> list[Finding]:
    """Each currency is paid by one account; two are refused when a person saves, not in what was saved before."""
    claims = Counter(account.momo_currency for account in all_accounts() if account.momo_enabled)
    disputed = sorted(currency for currency, accounts in claims.items() if accounts > 1)
    if disputed:
        seen = f"{name_currencies(disputed)} by more than one account"
    else:
        seen = f"payouts in {name_currencies(claims)}"
    return [
        judge(
            "payout accounts",
            bool(claims) and not disputed,
            seen,
            "Have one account for each currency: set momo_currency, or momo_enabled=false, on the others.",
        )
    ]


def check_collections() -> list[Finding]:
    """Credentials and address of requests to pay, by asking what was collected there."""
    chosen = current(CollectionSettings)
    if not chosen.enabled:
        return [Finding("requests to pay", Verdict.OK, "switched off")]
    balance = build_client(chosen).balance(chosen.currency)
    seen = "no answer" if balance.available is None else f"{balance.available} {balance.currency} collected"
    return [
        judge(
            "requests to pay",
            balance.available is not None,
            f"{chosen.base_url} ({chosen.target_environment}): {seen}",
            "Check manage.py configure collections. When nobody is to be asked to pay, set enabled=false.",
        )
    ]


def check_sandbox() -> list[Finding]:
    """In sandbox mode anybody may dial as anybody, which is harmless only while no real money can move."""
    real = {account.momo_base_url for account in all_accounts() if not account.is_simulated}
    collections = current(CollectionSettings)
    if not collections.is_simulated:
        real.add(collections.base_url)
    where = " and ".join(sorted(real)) or "the simulated provider"
    return [
        judge(
            "sandbox mode",
            not settings.SANDBOX or not real,
            f"on, money moves at {where}" if settings.SANDBOX else "off",
            "Unset SANDBOX: the phone in the browser redeems codes for any number.",
        )
    ]


def check_sms() -> list[Finding]:
    """Customers are told by SMS; without a key nothing is sent."""
    chosen = current(NotificationSettings)
    ready = bool(chosen.api_key.get_secret_value()) and bool(chosen.username)
    guarded = settings.SANDBOX or bool(chosen.delivery_report_secret.get_secret_value())
    return [
        judge(
            "SMS delivery reports",
            guarded,
            "the address is guarded" if guarded else "anybody may send delivery reports",
            "Set delivery_report_secret (manage.py configure notifications) and register the address that ends in it.",
            otherwise=Verdict.WARN,
        ),
        judge(
            "SMS credentials",
            ready,
            f"{chosen.base_url} as {chosen.username or 'nobody'}",
            "Set username and api_key: manage.py configure notifications",
        ),
    ]


def _look_at_account(account: ProviderAccount) -> Finding:
    balance = provider_for(account.provider).balance(account.momo_currency)
    seen = "no answer" if balance.available is None else f"float {balance.available} {balance.currency}"
    return judge(
        f"payout provider {account.momo_currency}",
        balance.available is not None,
        f"{account.momo_base_url} ({account.momo_target_environment}): {seen}",
        f"Check its momo_ settings: manage.py configure {account.slug}. When nothing is to be paid in "
        f"{account.momo_currency}, set momo_enabled=false.",
    )
