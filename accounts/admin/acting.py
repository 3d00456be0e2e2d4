"""Who clicks."""

from django.http import HttpRequest

from accounts.models import User


def acting_user(request: HttpRequest) -> User:
    """The signed-in person. Pages of the admin are reached by no other; TypeError says that this one was."""
    if not isinstance(request.user, User):
        raise TypeError("An admin page was reached without signing in.")
    return request.user
