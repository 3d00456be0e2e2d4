from django.apps import AppConfig


class PromosConfig(AppConfig):
    name = "promos"
    verbose_name = "Promo codes"

    def ready(self) -> None:
        # app ready: models and registers of other apps are loaded only now.
        from audit.registry import register_actions
        from configuration.registry import register_category
        from disbursements.owners import register_owner
        from ledger.invariants import register_invariant
        from notifications.templates import register_template
        from promos.audit_actions import ACTIONS
        from promos.configuration import PromoRules
        from promos.invariants import PROMO_INVARIANTS
        from promos.services.payouts import PromoPayouts
        from promos.words import LONGEST, SMS

        register_category(PromoRules)
        register_actions(ACTIONS)
        register_owner(PromoPayouts())
        for name, function in PROMO_INVARIANTS.items():
            register_invariant(name, function)
        for key, words in SMS.items():
            register_template(key, words=words, fields=LONGEST)
