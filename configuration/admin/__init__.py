"""The back office pages of settings: list, form, preview, history, roll-back."""

from configuration.admin.registration import ConfigurationVersionAdmin

__all__ = ["ConfigurationVersionAdmin"]
