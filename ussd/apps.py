from django.apps import AppConfig


class UssdConfig(AppConfig):
    """Gateways, engine and journeys."""

    name = "ussd"
    verbose_name = "USSD"

    def ready(self) -> None:
        # app ready: models and registers of other apps are loaded only now.
        from audit.registry import register_actions
        from configuration.registry import register_category
        from ussd import checks  # noqa: F401  (registers its checks)
        from ussd.configuration import UssdSettings
        from ussd.journeys import register_journeys

        register_category(UssdSettings)
        register_actions(
            {
                "ussd.gateway.created": "A USSD gateway was added",
                "ussd.gateway.changed": "A USSD gateway was changed",
                "ussd.gateway.secret_rotated": "A USSD gateway got a new secret",
                "ussd.sessions.cleared": "All USSD sessions were cleared",
            }
        )
        register_journeys()
