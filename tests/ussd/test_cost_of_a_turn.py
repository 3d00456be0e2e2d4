"""Architecture section 7: a reading turn costs at most 2 SQL statements and 3 round trips to Redis, and no bcrypt."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from redis.connection import AbstractConnection

from accounts import token_text
from accounts.models import User
from accounts.services.tokens import create_token
from promos.models import PromoCode
from tests.ussd.conftest import MENU, NEWCOMER, PROMO
from tests.ussd.dialling import Handset
from ussd.gateways import format_of
from ussd.gateways.base import Dialled
from ussd.models import Gateway

pytestmark = pytest.mark.django_db(transaction=True)


class Cost:
    """What one turn cost."""

    def __init__(self) -> None:
        self.round_trips = 0
        self.statements: list[str] = []


@contextmanager
def measured(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cost]:
    """Counts what goes out to PostgreSQL and Redis inside. A pipeline is one round trip."""
    cost = Cost()
    real = AbstractConnection.send_packed_command

    def send(self: AbstractConnection, command: Any, check_health: bool = True) -> None:
        cost.round_trips += 1
        real(self, command, check_health)

    with monkeypatch.context() as patch, CaptureQueriesContext(connection) as queries:
        patch.setattr(AbstractConnection, "send_packed_command", send)
        yield cost
    cost.statements = [query["sql"] for query in queries]


@pytest.fixture
def warm(handset: Callable[..., Handset], aline: User) -> None:
    """The process has answered a turn before: settings and gateways are known, connections open."""
    handset().dial()


def test_dialling_costs_one_statement_and_two_round_trips(
    handset: Callable[..., Handset], warm: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone = handset(service_code=MENU)

    with measured(monkeypatch) as cost:
        phone.dial()
    assert len(cost.statements) == 1, cost.statements
    assert cost.round_trips == 2


def test_reading_on_costs_at_most_one_statement(
    handset: Callable[..., Handset], warm: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone = handset(service_code=MENU)
    phone.dial()

    for typed, statements in (("5", 0), ("0", 0), ("2", 1), ("00", 0), ("1", 0)):
        with measured(monkeypatch) as cost:
            phone.type(typed)
        assert (typed, len(cost.statements)) == (typed, statements), cost.statements
        assert cost.round_trips == 2


def test_news_are_told_with_the_same_statement(
    handset: Callable[..., Handset], warm: None, codes: list[PromoCode], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = handset()
    first.dial()
    first.type(str(codes[0]))
    phone = handset()

    with measured(monkeypatch) as cost:
        assert phone.dial().startswith("RWF 5,000 is on its way to you.")
    assert len(cost.statements) == 1
    assert cost.round_trips == 2


def test_redeeming_costs_at_most_twelve_statements(
    handset: Callable[..., Handset], warm: None, codes: list[PromoCode], monkeypatch: pytest.MonkeyPatch
) -> None:
    phone = handset()
    phone.dial()

    with measured(monkeypatch) as cost:
        assert phone.type(str(codes[0])).startswith("Code accepted.")
    writes = [sql for sql in cost.statements if not sql.startswith(("BEGIN", "COMMIT"))]
    assert len(writes) <= 12, "\n".join(writes)


def test_repeat_costs_one_round_trip(
    handset: Callable[..., Handset], warm: None, codes: list[PromoCode], monkeypatch: pytest.MonkeyPatch
) -> None:
    phone = handset()
    phone.dial()
    phone.type(str(codes[0]))

    with measured(monkeypatch) as cost:
        phone.repeat()
    assert cost.statements == []
    assert cost.round_trips == 1


def test_token_turn_costs_two_statements_three_round_trips_and_no_bcrypt(
    middle_server: Gateway, aline: User, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    _token, plain = create_token(
        partner_email="ops@telco.example",
        scopes=["ussd"],
        gateway=middle_server.slug,
        created_by=None,
        at=timezone.now(),
    )
    wire = format_of(middle_server.kind)

    def dial(session_id: str) -> str:
        dialled = Dialled(session_id, aline.phone or "", MENU, network_code="63510")
        body, content_type = wire.write_request(dialled)
        response = client.post("/api/v1/ussd/handle/", body, content_type=content_type, headers={"x-api-token": plain})
        assert response.status_code == 200, response.content
        return wire.read_reply(response.content).text

    dial("first")
    monkeypatch.setattr(token_text, "has_hash", lambda *_args: pytest.fail("bcrypt in the steady state"))

    with measured(monkeypatch) as cost:
        assert dial("second").startswith("Starhash\n1 Redeem a code")
    assert len(cost.statements) == 2, cost.statements
    assert cost.round_trips == 3


def test_registering_is_paid_once(handset: Callable[..., Handset], warm: None, monkeypatch: pytest.MonkeyPatch) -> None:
    handset(phone=NEWCOMER, service_code=PROMO).dial()
    again = handset(phone=NEWCOMER, service_code=PROMO)

    with measured(monkeypatch) as cost:
        again.dial()
    assert len(cost.statements) == 1
