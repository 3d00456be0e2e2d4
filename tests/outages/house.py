"""The product as it runs, gunicorn and Celery, with a road before every server that a test can cut or block."""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit, urlunsplit

from django.conf import settings
from django.db import connection
from django.db.models import F
from django.utils import timezone

from disbursements import tasks
from disbursements.models import Disbursement
from local.children import WEB, WORKER
from notifications.models import SmsMessage
from notifications.tasks import sweep_due as sweep_messages
from promos.models import Batch, PromoCode, Redemption
from promos.services.batches import create_batch
from promos.terms import BatchTerms
from tests.crash.payouts import AMOUNT, Payout, configure, make_code, make_customer, paid_once
from tests.support.ports import find_free_port
from tests.support.sandbox_process import SandboxProcess
from tests.support.tcp_proxy import TcpProxy
from tests.ussd.dialling import Handset
from ussd.handset import HttpLine, NoAnswer
from ussd.services.gateways import create_gateway
from ussd.statuses import GatewayKind

ROOT = Path(__file__).resolve().parents[2]
PROMO = "*384*1234#"
PROMPT = "Welcome to Starhash.\nEnter your promo code:"
TROUBLE = "Service is having trouble. Please dial again in a few minutes."
READY_SECONDS = 100
# Seconds are enough for the product; the rest is for a slow machine. Without an end to outages it were never.
RECOVERY_SECONDS = 30
# Beat is the test: it comes as often as it likes.
BEAT_SECONDS = 0.3


class Roads:
    """One road from each process to each server."""

    def __init__(self, *, sandbox_url: str) -> None:
        database, redis, sandbox = (
            urlsplit(os.environ["DATABASE_URL"]),
            urlsplit(settings.REDIS_URL),
            urlsplit(sandbox_url),
        )
        self.postgres = TcpProxy(address_of(database))
        self.sessions = TcpProxy(address_of(redis))
        self.broker = TcpProxy(address_of(redis))
        self.worker_postgres = TcpProxy(address_of(database))
        self.worker_redis = TcpProxy(address_of(redis))
        self.provider = TcpProxy(address_of(sandbox))

    def all(self) -> list[TcpProxy]:
        return list(vars(self).values())

    def open(self) -> None:
        """Everything is well again."""
        for road in self.all():
            road.open()


class House:
    """Web, worker and sandbox on this test's database. Usable as a context manager; the database must be there."""

    def __init__(self) -> None:
        self.sandbox = SandboxProcess(settle_ms=0)
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as this object
        self._numbers = iter(range(1, 10_000))
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.enter_context(self.sandbox)
            self.roads = Roads(sandbox_url=self.sandbox.url)
            for road in self.roads.all():
                stack.enter_context(road)
            self._furnish()
            port = find_free_port()
            self.url = f"http://127.0.0.1:{port}"
            # One process, so that every turn meets the same connections; its threads as it runs.
            web_options = ("--workers", "1", "--bind", f"127.0.0.1:{port}", "--no-control-socket")
            stack.enter_context(self._process(WEB, *web_options, role="web"))
            worker_options = ("--loglevel", "INFO", "--without-gossip", "--without-mingle")
            stack.enter_context(self._process(WORKER, *worker_options, role="worker"))
            self.wait_until(self._serves, seconds=READY_SECONDS, what="the web process")
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._stack.close()

    @property
    def output(self) -> str:
        """What the processes wrote last."""
        self._log.seek(0)
        return self._log.read().decode(errors="replace")[-20_000:]

    def _furnish(self) -> None:
        now = timezone.now()
        configure(
            now,
            momo_connect_timeout_seconds=1,
            momo_read_timeout_seconds=1,
            poll_delays_seconds=(1,),
            resend_after_seconds=1,
            breaker_open_seconds=1,
        )
        self.gateway, _secret = create_gateway(
            slug="at", name="AT", kind=GatewayKind.AFRICAS_TALKING, service_codes={PROMO: "promo"}, at=now
        )
        self.batch = self.open_batch("Harvest", budget=None)

    def open_batch(self, name: str, *, budget: Decimal | None) -> Batch:
        now = timezone.now()
        terms = BatchTerms(
            name=name,
            description="",
            amount_per_code=AMOUNT,
            currency="RWF",
            expiration_date=now + timedelta(days=30),
            budget=budget,
        )
        return create_batch(terms=terms, at=now)

    @contextlib.contextmanager
    def _process(self, command: str, *options: str, role: str) -> Iterator[None]:
        """A process that is started again when it ends, as every supervisor does."""
        argv = [sys.executable, "-m", *command.split(), *options]
        environment = self._environment(role)
        leaving = threading.Event()

        def start() -> None:
            self._running[role] = subprocess.Popen(
                argv, cwd=ROOT, env=environment, stdout=self._log, stderr=subprocess.STDOUT, start_new_session=True
            )

        def supervise() -> None:
            while not leaving.wait(0.2):
                if self._running[role].poll() is not None:
                    start()

        start()
        supervisor = threading.Thread(target=supervise)
        supervisor.start()
        try:
            yield
        finally:
            leaving.set()
            supervisor.join()
            self.kill(role)

    def kill(self, role: str) -> None:
        """End a process and its children between two instructions."""
        process = self._running[role]
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(timeout=60)

    def _environment(self, role: str) -> dict[str, str]:
        roads = self.roads
        postgres = roads.postgres if role == "web" else roads.worker_postgres
        sessions, broker = (roads.sessions, roads.broker) if role == "web" else (roads.worker_redis, roads.worker_redis)
        database = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}")
        redis = urlsplit(settings.REDIS_URL)
        return {
            **os.environ,
            # As it runs: with its connection pool, which the test settings leave out.
            "DJANGO_SETTINGS_MODULE": "config.settings.dev",
            "DATABASE_URL": at_port(database, postgres.port),
            "REDIS_URL": at_port(redis, broker.port),
            "REDIS_SESSION_URL": at_port(redis, sessions.port),
            "REDIS_KEY_PREFIX": settings.REDIS_KEY_PREFIX,
            "SANDBOX_URL": f"http://127.0.0.1:{roads.provider.port}",
            "PUBLIC_URL": "",
        }

    def recover(self, *, seconds: float = RECOVERY_SECONDS) -> None:
        """Everything is well again, and within seconds customers are served."""
        self.roads.open()
        self.wait_until(self._serves, seconds=seconds, what="the web process to serve again")

    def _serves(self) -> bool:
        try:
            return self.new_phone().dial() == PROMPT
        except NoAnswer:
            return False

    # People

    def new_phone(self) -> Handset:
        """Somebody who has dialled before and has not dialled yet today."""
        return Handset(self.gateway, make_customer(next(self._numbers)).phone, PROMO, line=HttpLine(self.url))

    def redial(self, phone: Handset) -> Handset:
        """The same phone dials anew, and again while it hears of trouble: connections find out one by one that all is
        well. What it hears in the end is in `last`.
        """
        end = time.monotonic() + RECOVERY_SECONDS
        while True:
            again = Handset(self.gateway, phone.phone, PROMO, line=HttpLine(self.url))
            if again.dial() != TROUBLE or time.monotonic() > end:
                return again
            time.sleep(0.2)

    def new_code(self, batch: Batch | None = None) -> PromoCode:
        batch = batch or self.batch
        number = next(self._numbers)
        code = make_code(batch, number, at=timezone.now())
        Batch.objects.filter(pk=batch.pk).update(total_codes=PromoCode.objects.filter(batch=batch).count())
        return code

    # Time

    def sweep(self) -> None:
        """What beat does, with a minute gone by for every row that waits."""
        minute = timedelta(minutes=1)
        Disbursement.objects.filter(next_action_at__isnull=False).update(
            next_action_at=F("next_action_at") - minute,
            claimed_until=F("claimed_until") - minute,
            swept_at=F("swept_at") - minute,
        )
        # Not those being sent: a second sender would double them, which real leases outlast.
        SmsMessage.objects.filter(status="queued").update(next_action_at=F("next_action_at") - minute)
        tasks.sweep_due.delay()
        sweep_messages.delay()

    def sweep_until(self, happened: threading.Event, *, what: str) -> None:
        """What beat does, again and again, until this has happened."""
        self.wait_until(lambda: happened.wait(BEAT_SECONDS) or self.sweep(), seconds=60, what=what)

    def assert_paid_once(self, *codes: PromoCode) -> None:
        """Wait for the workers, with beat behind them; every code has one redemption, one payout, one transfer."""
        redemptions = Redemption.objects.filter(promo_code__in=codes).order_by("promo_code_id")
        assert [redemption.promo_code_id for redemption in redemptions] == sorted(code.pk for code in codes)
        payouts = [Payout(row.disbursement_id, row.pk, row.phone) for row in redemptions]

        def are_paid() -> bool:
            if all(paid_once(payout.story(self.sandbox)) for payout in payouts):
                return True
            self.sweep()
            time.sleep(BEAT_SECONDS)
            return False

        with contextlib.suppress(AssertionError):
            self.wait_until(are_paid, seconds=60, what="payouts")
        unpaid = [story for payout in payouts if not paid_once(story := payout.story(self.sandbox))]
        assert not unpaid, f"{unpaid}\n{self.output}"

    def wait_until(self, look, *, seconds: float, what: str) -> None:  # type: ignore[no-untyped-def]
        """Until `look()` is true. Raises AssertionError with what the processes wrote."""
        end = time.monotonic() + seconds
        while not look():
            assert time.monotonic() < end, f"waited {seconds} s for {what}\n{self.output}"
            time.sleep(0.05)


def address_of(url) -> tuple[str, int]:  # type: ignore[no-untyped-def]
    return url.hostname, url.port


def at_port(url, port: int) -> str:  # type: ignore[no-untyped-def]
    """The same server by another road."""
    credentials, _, _address = url.netloc.rpartition("@")
    return urlunsplit(url._replace(netloc=f"{credentials}@127.0.0.1:{port}"))
