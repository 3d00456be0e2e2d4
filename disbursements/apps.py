from django.apps import AppConfig


class DisbursementsConfig(AppConfig):
    name = "disbursements"
    verbose_name = "Payouts"

    def ready(self) -> None:
        # app ready: models and registers of other apps are loaded only now.
        from audit.registry import register_actions
        from configuration.registry import register_category
        from disbursements.configuration import NigeriaPayments, PaymentSettings
        from disbursements.invariants import PAYOUT_INVARIANTS
        from ledger.invariants import register_invariant

        for name, function in PAYOUT_INVARIANTS.items():
            register_invariant(name, function)
        register_category(PaymentSettings)
        register_category(NigeriaPayments)
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
                "disbursement.alarm_cleared": "What a payout's alarm was about is dealt with",
                "disbursement.settled_on_word": "A person had a payout settled on the provider's word",
                "disbursement.paid_twice": "The provider reports two references of one payout as paid",
                "disbursement.stated_not_paid": "A person stated, after asking the provider, that nothing was paid",
            }
        )
