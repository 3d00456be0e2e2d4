from django.apps import AppConfig
from django.db.models.signals import post_migrate


class LedgerConfig(AppConfig):
    name = "ledger"
    verbose_name = "Ledger"

    def ready(self) -> None:
        # app ready: models and registers of other apps are loaded only now.
        from audit.registry import register_actions
        from ledger.invariants import LEDGER_INVARIANTS, register_invariant
        from ledger.services.accounts import forget_known_accounts

        register_actions({"ledger.float.topped_up": "Money was put into the float at a provider"})
        for name, function in LEDGER_INVARIANTS.items():
            register_invariant(name, function)
        post_migrate.connect(forget_known_accounts, sender=self)
