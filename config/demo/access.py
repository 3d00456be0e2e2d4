"""What a person or a check needs to use the demo (contract section 8)."""

from typing import Any

from django.conf import settings

from config.demo import cast
from config.demo.secrets import demo_password, demo_token
from ussd.models import Gateway
from ussd.services.gateways import reveal_secret
from ussd.simulator.cast import CAST


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
