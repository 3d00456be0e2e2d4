from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Customers, staff and partners' tokens."""

    name = "accounts"
    verbose_name = "Customers and staff"

    def ready(self) -> None:
        from audit.registry import register_actions  # app ready

        register_actions(
            {
                "customer.registered": "A customer dialled for the first time",
                "customer.language_chosen": "A customer chose a language",
            }
        )
