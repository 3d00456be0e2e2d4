"""The one call of the SMS API that we make: one message to one number."""

from urllib.parse import urlencode

import requests

from notifications.africastalking.answers import Kind, SendResult, read_answer
from notifications.configuration import NotificationSettings
from outbound.exchange import NoReply, NothingSent, TimeLimit, exchange

# The form endpoint: it exists in the live API and in the provider's own sandbox.
PATH = "/version1/messaging"


def send(*, to: str, body: str, settings: NotificationSettings) -> SendResult:
    """Hand one message to the provider and say what came of it. Never raises for what the network may do, and takes
    no longer than the two time limits of the settings together.

    There is no idempotency key: once the message may have left, a second try may double it. So whatever happens from
    then on uses up a try.
    """
    if not settings.username or not settings.api_key.get_secret_value():
        return SendResult(Kind.OPERATOR, "NOT_CONFIGURED", "User name or API key of Africa's Talking is not set")
    form = {"username": settings.username, "to": to, "message": body, "bulkSMSMode": "1"}
    if settings.sender_id:
        form["from"] = settings.sender_id
    url = settings.base_url + PATH
    headers = {
        "apiKey": settings.api_key.get_secret_value(),
        # Without Accept the answer may be XML.
        "Accept": "application/json",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    if word := _what_cannot_be_sent(url, headers):
        return SendResult(Kind.OPERATOR, "NOT_SENDABLE", word)
    limit = TimeLimit(settings.connect_timeout_seconds, settings.read_timeout_seconds)
    try:
        reply = exchange(method="POST", url=url, headers=headers, body=urlencode(form).encode(), limit=limit)
    except NothingSent as failure:
        return SendResult(Kind.RETRY, failure.code, "Nothing was sent", out_of_reach=True)
    except NoReply as failure:
        return SendResult(Kind.RETRY, failure.code, "No answer", unknown=True)
    # A body cut off, too slow or too large is none: then the status alone speaks.
    return read_answer(http_status=reply.status, body=(reply.body or b"").decode(errors="replace"))


def _what_cannot_be_sent(url: str, headers: dict[str, str]) -> str:
    """Why no request can be made of these: settings are wrong, for every message alike. Empty when it can."""
    try:
        requests.Request("POST", url, headers=headers).prepare()
        # As they travel.
        "".join(headers.values()).encode("latin-1")
    except (requests.RequestException, ValueError) as error:
        # The class and not the text, which would name the key.
        return type(error).__name__
    return ""
