"""How the back office looks and is laid out: the admin theme's settings."""

from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse, reverse_lazy


def _mark(_request: Any) -> str:
    return static("brand/mark.svg")


def _styles(_request: Any) -> str:
    return static("brand/admin.css")


def _page(title: str, icon: str, model: str) -> dict[str, Any]:
    """A line of the sidebar; shown to those who may see the model (`app.model`)."""
    app, name = model.split(".")
    return {
        "title": title,
        "icon": icon,
        "link": reverse_lazy(f"admin:{app}_{name}_changelist"),
        "permission": lambda request: request.user.has_perm(f"{app}.view_{name}"),
    }


def _shows_funnel(request: HttpRequest) -> bool:
    """The portfolio lies below the funnel's address, and has a line of its own."""
    return request.path.startswith(reverse("admin:loans_funnelday_changelist")) and request.path != reverse(
        "admin:loans_portfolio"
    )


_NAVIGATION = [
    {
        "title": "Lending",
        "items": [
            _page("Loans", "real_estate_agent", "loans.loan"),
            _page("Repayments", "savings", "loans.repayment"),
            _page("Money paid in", "call_merge", "loans.paidinnotice"),
            _page("Files of repayments", "upload_file", "loans.repaymentfile"),
            _page("Credit profiles", "speed", "loans.creditprofile"),
            _page("Offers", "local_offer", "loans.offer"),
            {**_page("Funnel", "filter_alt", "loans.funnelday"), "active": _shows_funnel},
            {
                "title": "Portfolio",
                "icon": "monitoring",
                "link": reverse_lazy("admin:loans_portfolio"),
                "permission": lambda request: request.user.has_perm("loans.view_loan"),
            },
        ],
    },
    {
        "title": "Promotions",
        "items": [
            _page("Batches", "inventory_2", "promos.batch"),
            _page("Generation runs", "manufacturing", "promos.generationrun"),
            _page("Codes", "qr_code_2", "promos.promocode"),
            _page("Redemptions", "redeem", "promos.redemption"),
        ],
    },
    {
        "title": "Money",
        "items": [
            _page("Payouts", "payments", "disbursements.disbursement"),
            _page("Attempts", "send_money", "disbursements.attempt"),
            _page("Provider callbacks", "call_received", "disbursements.providercallback"),
            _page("Provider balances", "account_balance_wallet", "disbursements.providerbalance"),
            _page("Requests to pay", "request_quote", "loans.collectionrequest"),
            _page("Callbacks of requests", "call_received", "loans.collectioncallback"),
            _page("Ledger accounts", "account_balance", "ledger.account"),
            _page("Postings", "receipt_long", "ledger.posting"),
        ],
    },
    {
        "title": "People",
        "items": [
            _page("Customers and staff", "group", "accounts.user"),
            _page("API tokens", "key", "accounts.apitoken"),
            _page("Groups", "admin_panel_settings", "auth.group"),
        ],
    },
    {
        "title": "Channels",
        "items": [
            _page("USSD gateways", "cell_tower", "ussd.gateway"),
            _page("USSD turns", "dialpad", "ussd.turnrecord"),
            _page("SMS", "sms", "notifications.smsmessage"),
            _page("Delivery reports", "mark_chat_read", "notifications.deliveryreport"),
        ],
    },
    {
        "title": "System",
        "items": [
            _page("Settings", "settings", "configuration.configurationversion"),
            _page("Audit trail", "history", "audit.auditevent"),
            _page("Periodic tasks", "schedule", "django_celery_beat.periodictask"),
        ],
    },
]

UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Starhash",
    "SITE_HEADER": "Starhash",
    "SITE_SUBHEADER": "Lends and pays over USSD",
    "SITE_ICON": _mark,
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": _mark}],
    "STYLES": [_styles],
    "SHOW_HISTORY": False,
    "COLORS": {
        "primary": {
            "50": "#f0fdfa",
            "100": "#ccfbf1",
            "200": "#99f6e4",
            "300": "#5eead4",
            "400": "#2dd4bf",
            "500": "#14b8a6",
            "600": "#0d9488",
            "700": "#0f766e",
            "800": "#115e59",
            "900": "#134e4a",
            "950": "#042f2e",
        },
    },
    "SIDEBAR": {"show_search": True, "show_all_applications": False, "navigation": _NAVIGATION},
}
