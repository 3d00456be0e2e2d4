"""What the control page may order of SMS, checked before it applies."""

from typing import Literal, Self

from pydantic import model_validator

from sandbox.faults import FaultOrder
from sandbox.sms.recipients import REJECTIONS

SmsMode = Literal["none", "timeout", "http_500", "reject", "drop_report", "duplicate_report"]


class SmsFaultOrder(FaultOrder):
    mode: SmsMode
    status_code: int | None = None

    @model_validator(mode="after")
    def check_combination(self) -> Self:
        if self.mode == "reject" and self.status_code not in REJECTIONS:
            raise ValueError(f"mode reject needs a statusCode out of {sorted(REJECTIONS)}")
        if self.mode != "reject" and self.status_code is not None:
            raise ValueError("only mode reject takes a statusCode")
        return self
