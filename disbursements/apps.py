from django.apps import AppConfig


class DisbursementsConfig(AppConfig):
    name = "disbursements"
    verbose_name = "Payouts"

    def ready(self) -> None:
        # app ready: models and registers of other apps are loaded only now.
        from audit.registry import register_actions
        from configuration.registry import register_category
        from disbursements.configuration import PaymentSettings
        from disbursements.invariants import PAYOUT_INVARIANTS
        from ledger.invariants import register_invariant

        for name, function in PAYOUT_INVARIANTS.items():
            register_invariant(name, function)
        register_category(PaymentSettings)
        register_actions(
            {
                "disbursement.requested": "A payout was requested and its money reserved",
                "disbursement.approved": "A second person approved a payout",
                "disbursement.cancelled": "A payout was cancelled before it was sent",
                "disbursement.attempt_refused": "The provider refused a try; the payout waits for the next",
                "disbursement.paid": "A payout was paid",
                "disbursement.paid_after_failure": "A payout given up before was found to be paid",
                "disbursement.failed": "A payout failed for good",
                "disbursement.retried": "A person retried a failed payout",
                "disbursement.alarm_raised": "A payout needs a person to look",
                "disbursement.alarm_cleared": "A person looked at a payout",
            }
        )
