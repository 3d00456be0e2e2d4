"""Reading what the control page is asked: wrong orders get 400 and change nothing."""

import json
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.bodies import read_body

ModelT = TypeVar("ModelT", bound=BaseModel)


class InvalidOrder(Exception):
    """The order makes no sense; the message says why."""

    def __init__(self, message: str, *, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


async def answer_invalid_order(request: Request, error: Exception) -> Response:
    assert isinstance(error, InvalidOrder)
    code = "NOT_FOUND" if error.status == 404 else "INVALID_REQUEST"
    return JSONResponse({"code": code, "message": str(error)}, status_code=error.status)


async def read_order(request: Request, model: type[ModelT], *, over: ModelT | None = None) -> ModelT:
    """The JSON body as a `model`; an empty body is `{}`. With `over`, what the body leaves out is
    taken from there. Raises InvalidOrder."""
    try:
        body = json.loads(await read_body(request) or b"{}")
    except ValueError:
        raise InvalidOrder("the body is not JSON") from None
    if not isinstance(body, dict):
        raise InvalidOrder("the body must be a JSON object")
    if over is not None:
        body = over.model_dump(by_alias=True) | body
    try:
        return model.model_validate(body)
    except ValidationError as invalid:
        raise InvalidOrder(explain(invalid)) from None


def explain(invalid: ValidationError) -> str:
    parts = []
    for error in invalid.errors(include_url=False, include_input=False):
        place = ".".join(str(part) for part in error["loc"])
        parts.append(f"{place}: {error['msg']}" if place else error["msg"])
    return "; ".join(parts)


def read_count(text: str | None, *, name: str) -> int | None:
    """A whole number in the query, None when absent. Raises InvalidOrder."""
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise InvalidOrder(f"{name}: a whole number")
    return int(text)
