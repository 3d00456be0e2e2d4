from django.apps import AppConfig


class LoansConfig(AppConfig):
    name = "loans"
    verbose_name = "Lending"

    def ready(self) -> None:
        # app ready: models and registers of other apps are loaded only now.
        from audit.registry import register_actions
        from configuration.registry import register_category
        from disbursements.owners import register_owner
        from ledger.invariants import register_invariant
        from loans.audit_actions import ACTIONS
        from loans.collection_invariants import COLLECTION_INVARIANTS
        from loans.collection_settings import CollectionSettings
        from loans.configuration import CreditSettings, LoanSettings
        from loans.invariants import LENDING_INVARIANTS
        from loans.reminder_settings import ReminderSettings
        from loans.services.payouts import LoanPayouts
        from loans.words import collections, payouts, reminders, repayments
        from notifications.templates import register_template

        register_category(CreditSettings)
        register_category(LoanSettings)
        register_category(CollectionSettings)
        register_category(ReminderSettings)
        register_actions(ACTIONS)
        register_owner(LoanPayouts())
        for name, function in (LENDING_INVARIANTS | COLLECTION_INVARIANTS).items():
            register_invariant(name, function)
        for subject in (collections, payouts, reminders, repayments):
            for key, words in subject.SMS.items():
                register_template(key, words=words, fields=subject.LONGEST)
