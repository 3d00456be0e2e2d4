"""MTN MoMo's Collections: HTTP and nothing else. Facts and their grades: mobile money notes, A1-A11."""

from loans.collecting.client import Collections, Demand, build_client

__all__ = ["Collections", "Demand", "build_client"]
