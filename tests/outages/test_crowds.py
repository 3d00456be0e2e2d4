"""Many at once, through the product as it runs: gateway's address, web process, queue, worker, provider's book."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

import pytest

from promos.models import Batch, PromoCode, Redemption
from tests.crash.payouts import AMOUNT
from tests.outages.house import House
from tests.ussd.dialling import Handset

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow, pytest.mark.timeout(400)]

USED = "This code was used before. It pays only once."
NOTHING_LEFT = "This promotion has given away all its money. Your code was not used."


def dial_together(phones: list[Handset]) -> list[str]:
    """Everybody presses the green button at the same moment. Each gets an answer a gateway can show."""
    barrier = Barrier(len(phones))

    def dial(phone: Handset) -> str:
        barrier.wait()
        return phone.dial()

    with ThreadPoolExecutor(len(phones)) as pool:
        return list(pool.map(dial, phones))


def phones_with(codes: list[PromoCode], house: House) -> list[Handset]:
    """A customer for each of these codes, who dials with the code behind the service code."""
    phones = [house.new_phone() for _code in codes]
    for phone, code in zip(phones, codes, strict=True):
        # Known before the crowd starts, so that nobody waits for the address.
        assert phone.path
        phone.inputs = (str(code),)
    return phones


def test_hundred_customers_dial_one_code_at_once(house: House) -> None:
    code = house.new_code()
    phones = phones_with([code] * 100, house)

    said = Counter(dial_together(phones))

    winner = Redemption.objects.get(promo_code=code)
    accepted = f"Code accepted. RWF 5,000 is being sent to {winner.phone}. You will get an SMS."
    assert said == {accepted: 1, USED: 99}
    house.assert_paid_once(code)


def test_one_turn_delivered_a_hundred_times_at_once_is_one_redemption(house: House) -> None:
    (phone,) = phones_with([code := house.new_code()], house)
    copies = [replace(phone) for _copy in range(100)]
    for copy in copies:
        assert copy.path

    said = Counter(dial_together(copies))

    assert said == {f"Code accepted. RWF 5,000 is being sent to {phone.phone}. You will get an SMS.": 100}
    house.assert_paid_once(code)


def test_customers_at_the_edge_of_the_budget(house: House) -> None:
    batch = house.open_batch("Three and no more", budget=AMOUNT * 3 + AMOUNT / 2)
    codes = [house.new_code(batch) for _code in range(20)]
    phones = phones_with(codes, house)

    said = Counter(words.partition(".")[0] + "." for words in dial_together(phones))

    assert said == {"Code accepted.": 3, NOTHING_LEFT.partition(".")[0] + ".": 17}
    paid = [row.promo_code for row in Redemption.objects.filter(batch=batch).select_related("promo_code")]
    assert len(paid) == 3
    house.assert_paid_once(*paid)
    assert Batch.objects.get(pk=batch.pk).codes.filter(status="active").count() == 17
