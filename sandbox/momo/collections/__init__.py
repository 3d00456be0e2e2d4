"""MTN MoMo's Collections: asking a customer to pay."""
