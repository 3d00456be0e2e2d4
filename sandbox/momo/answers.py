"""MTN's error answers as seen in the field (notes A3-A6)."""

from starlette.responses import HTMLResponse, JSONResponse, Response

MESSAGES = {
    "RESOURCE_ALREADY_EXIST": "Duplicated reference id. Creation of resource failed.",
    "RESOURCE_NOT_FOUND": "Requested resource was not found.",
    "NOT_ALLOWED": "Authorization failed. Insufficient permissions.",
    "NOT_ALLOWED_TARGET_ENVIRONMENT": "Access to target environment is forbidden.",
    "INVALID_CALLBACK_URL_HOST": "Callback URL with different host name then configured for API user.",
    "INVALID_CURRENCY": "Currency not supported.",
    "INTERNAL_PROCESSING_ERROR": "An internal error occurred while processing.",
    "SERVICE_UNAVAILABLE": "Service temporarily unavailable, try again later.",
}
REJECTED_PAGE = (
    "<html><head><title>Request Rejected</title></head><body>The requested URL was rejected. "
    "Please consult with your administrator.</body></html>"
)
FORBIDDEN_PAGE = "<html><head><title>403 Forbidden</title></head><body><h1>403 Forbidden</h1></body></html>"


class Refusal(Exception):
    """A request ends here, with this answer."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status_code)
        self.response = response


def error(status: int, code: str) -> Refusal:
    """An error with MTN's `code` and `message`."""
    return Refusal(JSONResponse({"code": code, "message": MESSAGES[code]}, status_code=status))


def bad_request(hint: str) -> Refusal:
    """400 with an empty body, as MTN often answers. Only the sandbox adds the hint, in a header."""
    plain = hint.encode("ascii", "replace").decode().replace("\n", " ")
    return Refusal(Response(status_code=400, headers={"X-Sandbox-Hint": plain}))


def gateway_error(status: int, message: str) -> Refusal:
    """An error of the gateway in front of MTN's systems."""
    return Refusal(JSONResponse({"statusCode": status, "message": message}, status_code=status))


def login_error(code: str) -> Refusal:
    return Refusal(JSONResponse({"error": code}, status_code=401))


def missing_length() -> Refusal:
    return Refusal(HTMLResponse("<html><body>Length Required</body></html>", status_code=411))


def rejected_by_firewall() -> Refusal:
    """The web firewall refuses with 200 and a page: not every 200 is a success."""
    return Refusal(HTMLResponse(REJECTED_PAGE, status_code=200))


def forbidden_by_firewall() -> Refusal:
    return Refusal(HTMLResponse(FORBIDDEN_PAGE, status_code=403))


def too_many_requests() -> Refusal:
    return Refusal(
        JSONResponse(
            {"statusCode": 429, "message": "Rate limit is exceeded. Try again in 1 seconds."},
            status_code=429,
            headers={"Retry-After": "1"},
        )
    )
