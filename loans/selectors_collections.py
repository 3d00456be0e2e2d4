"""Reading requests to pay."""

from datetime import datetime, timedelta

from django.db.models import QuerySet

from configuration.selectors import current
from loans.collection_settings import CollectionSettings
from loans.models import CollectionRequest
from loans.statuses import CollectionStatus


def stuck_collections(*, at: datetime) -> QuerySet[CollectionRequest]:
    """Requests open for too long, oldest first."""
    since = at - timedelta(minutes=current(CollectionSettings).stuck_after_minutes)
    return CollectionRequest.objects.filter(status__in=CollectionStatus.OPEN, created_at__lte=since).order_by(
        "created_at", "pk"
    )
