from django.apps import AppConfig


class LoansConfig(AppConfig):
    name = "loans"
    verbose_name = "Lending"

    def ready(self) -> None:
        # app ready: models and registers of other apps are loaded only now.
        from audit.registry import register_actions
        from configuration.registry import register_category
        from loans.audit_actions import ACTIONS
        from loans.configuration import CreditSettings, LoanSettings

        register_category(CreditSettings)
        register_category(LoanSettings)
        register_actions(ACTIONS)
