"""Reading a request's body, never more than a sandbox has use for."""

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

MAX_BODY_BYTES = 1_000_000


async def read_body(request: Request) -> bytes:
    """The whole body. Raises HTTPException 413 above MAX_BODY_BYTES, 400 when the client went away."""
    chunks: list[bytes] = []
    size = 0
    try:
        async for chunk in request.stream():
            size += len(chunk)
            if size > MAX_BODY_BYTES:
                raise HTTPException(status_code=413, detail=f"at most {MAX_BODY_BYTES} bytes")
            chunks.append(chunk)
    except ClientDisconnect:
        raise HTTPException(status_code=400, detail="the body is cut short") from None
    return b"".join(chunks)
