"""Start options. Each may also come from the environment: `--settle-ms` is `SANDBOX_SETTLE_MS`."""

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass, fields

# Credentials of the built-in demo merchant. They open nothing but this sandbox.
DEMO_API_USER = "11111111-1111-4111-8111-111111111111"
DEMO_API_KEY = "sandbox-api-key"
DEMO_SUBSCRIPTION_KEY = "sandbox-subscription-key"
DEMO_COLLECTION_KEY = "sandbox-collection-key"
DEMO_SMS_API_KEY = "sandbox-sms-api-key"

MAX_PORT = 65_535


@dataclass(frozen=True, kw_only=True)
class Options:
    host: str
    port: int
    data: str
    latency_ms: int
    settle_ms: int
    ongoing_ms: int
    lookup_lag_ms: int
    status_rate: int
    token_seconds: int
    new_platform: bool
    reason_as: str
    callback_host: str
    callback_method: str
    callback_tries: int
    momo_api_user: str
    momo_api_key: str
    momo_subscription_key: str
    momo_collection_key: str
    momo_float: int
    sms_username: str
    sms_api_key: str
    sms_senders: str
    delivery_url: str
    report_ms: int


def parse_options(arguments: Sequence[str] | None = None) -> Options:
    """Options from the command line, then from SANDBOX_* variables, then the defaults.

    Exits with a usage message when one of them cannot be read.
    """
    values = vars(build_parser().parse_args(arguments))
    return Options(**{field.name: values[field.name] for field in fields(Options)})


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m sandbox", description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )

    def add_text(flag: str, default: str, about: str, *, choices: Sequence[str] | None = None) -> None:
        parser.add_argument(flag, default=from_environment(flag, default), help=about, choices=choices)

    def add_count(flag: str, default: int, about: str) -> None:
        # A string default goes through `type` as well, so a bad variable is refused like a bad flag.
        parser.add_argument(flag, default=from_environment(flag, str(default)), help=about, type=read_count)

    add_text("--host", "127.0.0.1", "address to listen on")
    parser.add_argument("--port", default=from_environment("--port", "8001"), type=read_port, help="port to listen on")
    add_text("--data", ".local/sandbox", "folder of the book, or :memory:")
    add_count("--latency-ms", 0, "how long a transfer request takes before it is looked at")
    add_count("--settle-ms", 300, "time from accepted to paid or failed")
    add_count("--ongoing-ms", 30_000, "the same for the scenario number 46733123453")
    add_count("--lookup-lag-ms", 0, "a new transfer cannot be looked up (404) for so long")
    add_count("--status-rate", 0, "status requests per token and second before 429; 0 is no limit")
    add_count("--token-seconds", 3600, "life of an access token")
    parser.add_argument(
        "--new-platform",
        action=argparse.BooleanOptionalAction,
        default=from_environment("--new-platform", "0") == "1",
        help="behave as momoapi.momo.africa where it differs",
    )
    add_text("--reason-as", "string", "shape of `reason` in a status", choices=("string", "object"))
    add_text("--callback-host", "localhost", "host name of callbacks, beside 127.0.0.1 and localhost")
    add_text("--callback-method", "PUT", "how callbacks are sent", choices=("PUT", "POST", "alternate"))
    add_count("--callback-tries", 1, "how often a callback is tried, a second apart")
    add_text("--momo-api-user", DEMO_API_USER, "API user of the demo merchant")
    add_text("--momo-api-key", DEMO_API_KEY, "API key of the demo merchant")
    add_text("--momo-subscription-key", DEMO_SUBSCRIPTION_KEY, "key of the Disbursements product")
    add_text("--momo-collection-key", DEMO_COLLECTION_KEY, "key of the Collections product")
    add_count("--momo-float", 100_000_000, "float of every environment at the start, in whole units")
    add_text("--sms-username", "sandbox", "SMS user name")
    add_text("--sms-api-key", DEMO_SMS_API_KEY, "SMS key")
    add_text("--sms-senders", "", "sender ids that are registered, comma separated; empty is any")
    add_text("--delivery-url", "", "where delivery reports of SMS go; empty is nowhere")
    add_count("--report-ms", 300, "time from a message to its delivery report")
    return parser


def from_environment(flag: str, default: str) -> str:
    return os.environ.get("SANDBOX_" + flag.removeprefix("--").replace("-", "_").upper(), default)


def read_port(text: str) -> int:
    port = read_count(text)
    if port > MAX_PORT:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: 0 to {MAX_PORT}")
    return port


def read_count(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 0")
    return int(text)
