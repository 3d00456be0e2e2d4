"""What other apps call: `record` and `record_many`."""

from audit.services.events import Act, NoTransactionOpen, record, record_many

__all__ = ["Act", "NoTransactionOpen", "record", "record_many"]
