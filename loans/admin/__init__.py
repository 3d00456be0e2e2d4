"""Lending in the back office."""

from loans.admin.funnel import FunnelDayAdmin

__all__ = ["FunnelDayAdmin"]
