from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Customers, staff and partners' tokens."""

    name = "accounts"
    verbose_name = "Customers and staff"

    def ready(self) -> None:
        from django.core.signals import request_finished

        from accounts.api.last_use import keep_noted_uses  # app ready
        from audit.registry import register_actions  # app ready

        request_finished.connect(keep_noted_uses, dispatch_uid="accounts.keep_noted_uses")

        register_actions(
            {
                "customer.registered": "A customer dialled for the first time",
                "customer.language_chosen": "A customer chose a language",
                "staff.created": "Somebody joined the staff",
                "user.changed": "A person's details or powers were changed",
                "user.password_set": "Somebody's password was set",
                "group.saved": "A group and its permissions were saved",
                "group.deleted": "A group was deleted",
                "token.created": "A partner was given an API token",
                "token.activated": "An API token was switched on",
                "token.deactivated": "An API token was switched off",
                "token.revoked": "An API token was revoked",
            }
        )
