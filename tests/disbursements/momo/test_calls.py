"""What the products of MTN share: a merchant, a token for each product, bounded calls."""

import pytest
from pydantic import SecretStr

from disbursements.providers.mtn_momo.calls import calls_as
from disbursements.providers.mtn_momo.minting import Merchant, Product
from outbound.exchange import TimeLimit
from tests.disbursements.momo.conftest import CREDENTIALS
from tests.disbursements.momo.raw_server import RawServer, say_json, say_token
from tests.support.sandbox_process import SandboxProcess

SUBSCRIPTION_KEYS: dict[Product, str] = {
    "disbursement": "sandbox-subscription-key",
    "collection": "sandbox-collection-key",
}


def make_merchant(url: str, product: Product, *, subscription_key: str) -> Merchant:
    return Merchant(
        product=product,
        base_url=url,
        environment="mtnrwanda",
        api_user=CREDENTIALS["momo_api_user"],
        api_key=SecretStr(CREDENTIALS["momo_api_key"]),
        subscription_key=SecretStr(subscription_key),
        user_agent="Starhash/1.0",
        limit=TimeLimit(5, 5),
    )


@pytest.mark.parametrize("product", SUBSCRIPTION_KEYS)
def test_each_product_has_its_own_token_address(sandbox: SandboxProcess, product: Product) -> None:
    merchant = make_merchant(sandbox.url, product, subscription_key=SUBSCRIPTION_KEYS[product])

    assert calls_as(merchant, margin_seconds=600).tokens.current()


def test_two_products_never_share_a_token_or_a_path(misbehaving: RawServer) -> None:
    misbehaving.answers["/disbursement/token/"] = [say_token("pays-out")]
    misbehaving.answers["/collection/token/"] = [say_token("takes-in")]
    misbehaving.answers["*"] = [say_json(200, {"availableBalance": "1"})]

    for product in SUBSCRIPTION_KEYS:
        # Even with one key for both.
        merchant = make_merchant(misbehaving.url, product, subscription_key="the-same")
        calls_as(merchant, margin_seconds=600).call("GET", "/v1_0/account/balance")

    assert [(call.path, call.headers.get("authorization")) for call in misbehaving.seen[1::2]] == [
        ("/disbursement/v1_0/account/balance", "Bearer pays-out"),
        ("/collection/v1_0/account/balance", "Bearer takes-in"),
    ]
