"""Time for Redis, which counts by its own clock: whatever would have expired is gone, the rest has less left."""

from django.conf import settings
from django_redis import get_redis_connection


def let_redis_age(seconds: float) -> None:
    """As if so many seconds had passed for the keys of this test."""
    client = get_redis_connection("sessions")
    for key in client.scan_iter(f"{settings.REDIS_KEY_PREFIX}:*", count=1000):
        left = client.pttl(key)
        if left >= 0:
            # An expiry in the past removes the key.
            client.pexpire(key, left - round(seconds * 1000))
