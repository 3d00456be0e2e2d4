"""Lending: what a customer may borrow, what they were offered, what they owe and what they paid back."""

from loans.models.collecting import CollectionCallback, CollectionRequest
from loans.models.credit import CreditProfile, ScoreChange
from loans.models.files import RepaymentFile, RepaymentFileLine
from loans.models.funnel import FunnelDay
from loans.models.loans import Loan
from loans.models.offers import Offer
from loans.models.repayments import PaidInNotice, Repayment

__all__ = [
    "CollectionCallback",
    "CollectionRequest",
    "CreditProfile",
    "FunnelDay",
    "Loan",
    "Offer",
    "PaidInNotice",
    "Repayment",
    "RepaymentFile",
    "RepaymentFileLine",
    "ScoreChange",
]
