"""Structured logs: one event a line, with the request id, and phone numbers masked."""

import re
from typing import Any

import structlog
from structlog.typing import EventDict

# Sweeps run every few seconds and mostly find nothing; what they do find is logged by the service.
_CHATTY = ("celery.beat", "celery.worker.strategy", "django_structlog.celery.receivers")

# International numbers as they travel here: 10 to 15 digits, with or without a plus, which an address may hold
# as %2B. Amounts and ids of that length are rare in logs, and a masked id is a smaller loss than a leaked number.
_PHONE = re.compile(r"(?<![\w-])(?:\+|%2B)?(\d{3})\d{4,9}(\d{3})(?![\w-])", re.IGNORECASE)
# Addresses whose last part is a secret, as the request line of every turn shows them.
_SECRET_PATH = re.compile(r"(/api/v1/(?:ussd/handle/[^/\s]+|webhooks/ussd/delivery)/)[^/\s?]+")


def mask_phones(text: str) -> str:
    """`+250788123456` becomes `250…456`."""
    return _PHONE.sub(r"\1…\2", text)


def mask_text(text: str) -> str:
    """No phone number and no secret part of an address."""
    return mask_phones(_SECRET_PATH.sub(r"\1…", text))


def _masked(value: Any) -> Any:
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, dict):
        return {_masked(key): _masked(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_masked(item) for item in value]
    # A number may be a phone number; anything else is written as its text, which may hold one.
    text = str(value)
    masked = mask_text(text)
    return value if isinstance(value, int) and masked == text else masked


def mask_event(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """structlog processor: no phone number and no secret address leaves in a log line, whatever its key or type."""
    # Keys with an underscore are structlog's own and never written.
    return {key: value if key.startswith("_") else _masked(value) for key, value in event.items()}


def logging_config(*, level: str, as_json: bool) -> dict[str, Any]:
    """The dictionary for Django's LOGGING; also configures structlog, so that both write the same lines."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        mask_event,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    renderer: Any = structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer(colors=False)
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "structured": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": shared,
                "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
            }
        },
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "structured"}},
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            # The request middleware already writes one line for each request.
            "django.server": {"handlers": [], "propagate": False},
            # A failed task is told once, with its ids, by the receivers of django_structlog.
            "celery.app.trace": {"level": "CRITICAL"},
            **{name: {"level": "WARNING"} for name in _CHATTY},
        },
    }
