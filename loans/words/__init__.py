"""The words of SMS about loans: each one SMS at its longest values."""
