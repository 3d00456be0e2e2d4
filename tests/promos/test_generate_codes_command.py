"""`manage.py generate_codes` as the contract writes it (section 8)."""

import json
from datetime import datetime
from decimal import Decimal
from io import StringIO
from typing import Any
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command

from promos.codes import read_code
from promos.models import Batch, GenerationRun, PromoCode
from tests.promos.conftest import actions

pytestmark = pytest.mark.django_db

NEXT_YEAR = datetime.now().year + 1
EXPIRES = f"{NEXT_YEAR}-12-31"


def run(*more: str, **changes: str) -> str:
    options = {"batch": "Radio", "count": "5", "amount": "2000", "currency": "RWF", "expires": EXPIRES} | changes
    out = StringIO()
    call_command("generate_codes", *[f"--{name}={value}" for name, value in options.items()], *more, stdout=out)
    return out.getvalue()


def run_json(**changes: str) -> dict[str, Any]:
    return json.loads(run("--json", **changes))


def test_command_makes_the_batch_and_prints_its_codes() -> None:
    facts = run_json()

    assert sorted(facts) == ["batch", "batchId", "codes", "count", "seconds"]
    batch = Batch.objects.get()
    assert (UUID(facts["batchId"]), facts["batch"], facts["count"]) == (batch.pk, "Radio", 5)
    assert (batch.amount_per_code, batch.currency, batch.total_codes) == (Decimal(2000), "RWF", 5)
    assert batch.expiration_date.isoformat() == f"{EXPIRES}T21:59:59+00:00"
    assert facts["seconds"] > 0
    stored = set(PromoCode.objects.values_list("code", flat=True))
    assert {read_code(code, check_from=None) for code in facts["codes"]} == stored
    assert all(len(code) == 19 and code.count("-") == 3 for code in facts["codes"])
    assert actions("promo.generation") == ["promo.generation.ordered", "promo.generation.completed"]


def test_command_adds_codes_to_the_batch_it_knows() -> None:
    first = run_json()
    second = run_json(batch="  rAdIo ", count="3", amount="700")

    assert second["batchId"] == first["batchId"]
    assert (second["batch"], second["count"], len(second["codes"])) == ("Radio", 3, 3)
    assert not set(first["codes"]) & set(second["codes"])
    assert Batch.objects.get().total_codes == 8
    assert sorted(GenerationRun.objects.values_list("amount", flat=True)) == [Decimal(700), Decimal(2000)]


def test_command_prints_the_first_thousand() -> None:
    facts = run_json(count="1200")

    assert (facts["count"], len(facts["codes"])) == (1200, 1000)
    assert "... and 200 more" in run(count="1200")


def test_command_speaks_to_people_too() -> None:
    lines = run().splitlines()

    assert lines[0].startswith("5 codes of RWF 2,000 for Radio in ")
    assert len(lines) == 6


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"count": "0"}, "1 to 100,000"),
        ({"count": "100001"}, "1 to 100,000"),
        ({"count": "many"}, "invalid int"),
        ({"amount": "0"}, "above zero"),
        ({"amount": "-5"}, "above zero"),
        ({"amount": "nan"}, "above zero"),
        ({"amount": "12.5"}, "whole units"),
        ({"amount": "much"}, "not an amount"),
        ({"currency": "XYZ"}, "currency"),
        ({"expires": "2020-01-01"}, "future"),
        ({"expires": "2226-12-31"}, "at most"),
        ({"expires": "31.12.2030"}, "not a day"),
        ({"batch": " "}, "name"),
    ],
)
def test_command_refuses_bad_input_in_words(changes: dict[str, str], words: str) -> None:
    with pytest.raises(CommandError, match=words):
        run("--json", **changes)

    assert PromoCode.objects.count() == 0


@pytest.mark.parametrize("changes", [{"currency": "KES"}, {"expires": f"{NEXT_YEAR}-12-30"}])
def test_command_refuses_other_terms_for_a_batch_that_exists(changes: dict[str, str]) -> None:
    run_json()

    with pytest.raises(CommandError, match="Radio"):
        run(**changes)

    assert PromoCode.objects.count() == 5
