"""What the control page may order of mobile money: faults and behaviour, checked before they apply."""

from collections.abc import Collection, Iterable
from typing import Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from sandbox.faults import FaultOrder, FaultSwitch

# `transfer` is Disbursements', `requesttopay` Collections'; the others are made to both.
Call = Literal["transfer", "requesttopay", "status", "token", "balance"]

# Strike before or instead of the answer, whatever the call.
ANSWER_MODES = frozenset(
    {
        "timeout_before_accept",
        "timeout_after_accept",
        "http_500_before_accept",
        "http_500_after_accept",
        "http_503",
    }
)
# Strike a transfer or request to pay at the moment it is accepted, and stay with it.
CALLBACK_MODES = frozenset({"drop_callback", "duplicate_callback", "late_callback"})
ACCEPT_MODES = CALLBACK_MODES | {"stay_pending", "refuse"}
TOKEN_EXPIRED = "token_expired"

MomoMode = Literal[
    "none",
    "timeout_before_accept",
    "timeout_after_accept",
    "http_500_before_accept",
    "http_500_after_accept",
    "http_503",
    "drop_callback",
    "duplicate_callback",
    "late_callback",
    "stay_pending",
    "refuse",
    "token_expired",
]


class MomoFaultOrder(FaultOrder):
    """A fault of Disbursements."""

    # The call that is accepted for processing; faults strike it unless `on` says otherwise.
    accepting_call: ClassVar[Call] = "transfer"

    mode: MomoMode
    reason: str | None = Field(default=None, min_length=1, max_length=100)
    on: Call | None = None

    @model_validator(mode="before")
    @classmethod
    def expire_tokens_once(cls, data: Any) -> Any:
        """`token_expired` alone means the tokens of now: a new one works."""
        if isinstance(data, dict) and data.get("mode") == TOKEN_EXPIRED and "probability" not in data:
            return {"times": 1} | data
        return data

    @model_validator(mode="after")
    def check_combination(self) -> Self:
        if self.mode == "refuse" and self.reason is None:
            raise ValueError("mode refuse needs a reason, such as PAYEE_NOT_FOUND")
        if self.mode != "refuse" and self.reason is not None:
            raise ValueError("only mode refuse takes a reason")
        if self.on not in {None, *self.possible_calls()}:
            raise ValueError(f"mode {self.mode} cannot strike {self.on} calls")
        return self

    def possible_calls(self) -> Iterable[Call]:
        if self.mode in ANSWER_MODES:
            return (*self.bearer_calls(), "token")
        return self.bearer_calls() if self.mode == TOKEN_EXPIRED else (self.accepting_call,)

    def bearer_calls(self) -> tuple[Call, ...]:
        """The calls that carry a token."""
        return (self.accepting_call, "status", "balance")

    def strikes(self, call: Call) -> bool:
        """Whether this fault is meant for `call`. Without `on`: the accepting call, and every call that
        carries a token for `token_expired`."""
        if self.on is not None:
            return call == self.on
        return call in self.bearer_calls() if self.mode == TOKEN_EXPIRED else call == self.accepting_call


class CollectionFaultOrder(MomoFaultOrder):
    """A fault of Collections."""

    accepting_call: ClassVar[Call] = "requesttopay"


def draw_fault(switch: FaultSwitch[Any], *, modes: Collection[str], call: Call | None) -> MomoFaultOrder | None:
    """The current fault if it is one of `modes`, meant for `call`, and strikes this time."""
    fault: MomoFaultOrder | None = switch.current
    if fault is None or call is None or not fault.strikes(call):
        return None
    drawn: MomoFaultOrder | None = switch.draw(modes)
    return drawn


class Behaviour(BaseModel):
    """What may change while the sandbox runs. Start options give the first values."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True, strict=True
    )

    latency_ms: int = Field(ge=0, le=600_000)
    settle_ms: int = Field(ge=0, le=86_400_000)
    ongoing_ms: int = Field(ge=0, le=86_400_000)
    lookup_lag_ms: int = Field(ge=0, le=600_000)
    status_rate: int = Field(ge=0)
    token_seconds: int = Field(ge=1)
    new_platform: bool
    reason_as: Literal["string", "object"]
    callback_method: Literal["PUT", "POST", "alternate"]
    callback_tries: int = Field(ge=1, le=100)
