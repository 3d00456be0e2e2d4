"""Every write of promotions: one function per act."""
