"""MTN MoMo Open API, Disbursements. Facts and their grades: mobile money notes, A1-A11."""

from disbursements.providers.mtn_momo.client import MtnMomo, build_client

__all__ = ["MtnMomo", "build_client"]
