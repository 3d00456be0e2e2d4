"""The one call of the SMS API that we make: one message to one number."""

from functools import lru_cache

import requests

from notifications.africastalking.answers import Kind, SendResult, read_answer
from notifications.configuration import NotificationSettings

# The form endpoint: it exists in the live API and in the provider's own sandbox.
PATH = "/version1/messaging"


def send(*, to: str, body: str, settings: NotificationSettings) -> SendResult:
    """Hand one message to the provider and say what came of it. Never raises for what the network may do.

    There is no idempotency key: after a time-out the message may have been sent, and a second try may double it.
    """
    if not settings.username or not settings.api_key.get_secret_value():
        return SendResult(Kind.OPERATOR, "NOT_CONFIGURED", "User name or API key of Africa's Talking is not set")
    form = {"username": settings.username, "to": to, "message": body, "bulkSMSMode": "1"}
    if settings.sender_id:
        form["from"] = settings.sender_id
    try:
        response = _session().post(
            settings.base_url + PATH,
            data=form,
            # Without Accept the answer may be XML.
            headers={"apiKey": settings.api_key.get_secret_value(), "Accept": "application/json"},
            timeout=(settings.connect_timeout_seconds, settings.read_timeout_seconds),
            allow_redirects=False,
        )
    except requests.ConnectTimeout as error:
        return SendResult(Kind.RETRY, "CONNECT_TIMEOUT", _reason(error))
    except requests.Timeout as error:
        return SendResult(Kind.RETRY, "TIMEOUT", _reason(error), unknown=True)
    except requests.ConnectionError as error:
        # Refused, or broken off after the message had left: the two look alike.
        return SendResult(Kind.RETRY, "CONNECTION", _reason(error), unknown=True)
    except (requests.RequestException, ValueError) as error:
        return SendResult(Kind.OPERATOR, "NOT_SENDABLE", _reason(error))
    return read_answer(http_status=response.status_code, body=response.text)


@lru_cache
def _session() -> requests.Session:
    """One per process: connections are kept."""
    return requests.Session()


def _reason(error: Exception) -> str:
    # The class and not the text: the text of a connection error holds addresses of objects.
    return type(error).__name__
