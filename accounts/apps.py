from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Customers, staff and partners' tokens."""

    name = "accounts"
    verbose_name = "Customers and staff"

    def ready(self) -> None:
        from django.core.signals import request_finished

        from accounts.api.usage import keep_notes  # app ready
        from audit.registry import register_actions  # app ready

        request_finished.connect(keep_notes, dispatch_uid="accounts.keep_notes")

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
                "token.changed": "Name, limit or allowed addresses of an API token were changed",
                "token.rotated": "An API token was replaced, and works until a chosen time",
            }
        )
