"""Promotions in the back office: batches and codes to act on, redemptions and wrong codes to read."""

from promos.admin.attempts import CodeAttemptAdmin
from promos.admin.batches import BatchAdmin
from promos.admin.codes import PromoCodeAdmin
from promos.admin.redemptions import RedemptionAdmin
from promos.admin.runs import GenerationRunAdmin

__all__ = ["BatchAdmin", "CodeAttemptAdmin", "GenerationRunAdmin", "PromoCodeAdmin", "RedemptionAdmin"]
