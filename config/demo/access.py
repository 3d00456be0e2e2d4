"""What a person or a check needs to use the demo (contract section 8)."""

from typing import Any

from django.conf import settings

from config.demo import cast
from config.demo.secrets import demo_password, demo_token
from promos.models import PromoCode
from promos.statuses import CodeStatus
from ussd.models import Gateway
from ussd.services.gateways import reveal_secret
from ussd.simulator.cast import CAST
from ussd.statuses import GatewayKind


def demo_access() -> dict[str, Any]:
    """Addresses, sign-ins, tokens, gateways and customers of the demo. Holds secrets: sandbox mode only."""
    return {
        "web": settings.PUBLIC_URL,
        "sandbox": settings.SANDBOX_URL,
        "staff": [
            {"email": member.email, "password": demo_password(member.email), "role": member.role}
            for member in cast.STAFF
        ],
        "apiTokens": [
            {"partner": cast.PARTNER, "token": demo_token(cast.PARTNER), "scopes": list(cast.PARTNER_SCOPES)}
        ],
        "gateways": [
            {
                "slug": gateway.slug,
                "kind": gateway.kind,
                "secret": reveal_secret(gateway=gateway),
                "serviceCodes": gateway.service_codes,
            }
            for gateway in Gateway.objects.filter(slug__in=[slug for slug, _, _ in cast.GATEWAYS])
        ],
        "customers": [{"phone": person.phone, "about": person.about} for person in CAST],
    }


def shell_variables(access: dict[str, Any]) -> dict[str, str]:
    """What the lines in docs/integrators.md need, and a code to redeem; empty when none is left."""
    (token,) = access["apiTokens"]
    gateway = next(gateway for gateway in access["gateways"] if gateway["kind"] == GatewayKind.AFRICAS_TALKING)
    code = PromoCode.objects.filter(batch__name=cast.BATCH, status=CodeStatus.ACTIVE).order_by("-id").first()
    return {
        "WEB": access["web"],
        "SANDBOX": access["sandbox"],
        "TOKEN": token["token"],
        "GATEWAY": gateway["slug"],
        "SECRET": gateway["secret"],
        "CODE": str(code) if code else "",
    }
