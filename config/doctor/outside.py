"""Providers and callbacks: can money leave, and can word of it come back?"""

import requests
from django.conf import settings

from config.doctor.findings import Finding, Verdict, judge
from configuration.selectors import current
from disbursements.configuration import PaymentSettings
from disbursements.providers.registry import provider_for
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
    """Credentials and address of the payout provider, by asking for our float."""
    chosen = current(PaymentSettings)
    balance = provider_for("mtn_momo").balance(chosen.momo_currency)
    seen = "no answer" if balance.available is None else f"float {balance.available} {balance.currency}"
    return [
        judge(
            "payout provider",
            balance.available is not None,
            f"{chosen.momo_base_url} ({chosen.momo_target_environment}): {seen}",
            "Check the momo_ settings: manage.py configure payments",
        )
    ]


def check_sandbox() -> list[Finding]:
    """In sandbox mode anybody may dial as anybody, which is harmless only while no real money can move."""
    address = current(PaymentSettings).momo_base_url
    where = "the simulated provider" if address == settings.SANDBOX_URL else address
    return [
        judge(
            "sandbox mode",
            not settings.SANDBOX or address == settings.SANDBOX_URL,
            f"on, payouts go to {where}" if settings.SANDBOX else "off",
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
