"""Lending in the back office."""

from loans.admin.collections import CollectionCallbackAdmin, CollectionRequestAdmin
from loans.admin.credit import CreditProfileAdmin
from loans.admin.files import RepaymentFileAdmin, RepaymentFileLineAdmin
from loans.admin.funnel import FunnelDayAdmin
from loans.admin.loans import LoanAdmin
from loans.admin.offers import OfferAdmin
from loans.admin.paid_in import PaidInNoticeAdmin
from loans.admin.repayments import RepaymentAdmin

__all__ = [
    "CollectionCallbackAdmin",
    "CollectionRequestAdmin",
    "CreditProfileAdmin",
    "FunnelDayAdmin",
    "LoanAdmin",
    "OfferAdmin",
    "PaidInNoticeAdmin",
    "RepaymentAdmin",
    "RepaymentFileAdmin",
    "RepaymentFileLineAdmin",
]
