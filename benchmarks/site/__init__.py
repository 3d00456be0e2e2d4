"""The product plus bare views, for measuring only: no deployment uses these settings."""
