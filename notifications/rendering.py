"""From a template, a language and values to the text that is sent."""

from collections.abc import Mapping
from typing import Any

import structlog

from configuration.selectors import current
from notifications.configuration import NotificationSettings
from notifications.gsm7 import to_gsm7
from notifications.templates import FALLBACK_LANGUAGE, template_by_key

logger = structlog.get_logger(__name__)


def render(template: str, language: str, context: Mapping[str, Any]) -> str:
    """The message in the GSM-7 alphabet: staff's words if they gave any, else the registered ones.

    A language without words falls back to English. Raises UnknownTemplate, and KeyError for a missing field.
    """
    registered = template_by_key(template)
    overrides = current(NotificationSettings).templates.get(template, {})
    values = {name: str(value) for name, value in context.items()}
    spoken = language if language in registered.words or language in overrides else FALLBACK_LANGUAGE
    if spoken in overrides:
        try:
            return to_gsm7(overrides[spoken].format_map(values))
        except (KeyError, ValueError, IndexError, AttributeError):
            # Saved when the template had another field. The registered words fit by definition.
            logger.error("template_override_unusable", template=template, language=spoken)
    return to_gsm7(registered.words.get(spoken, registered.words[FALLBACK_LANGUAGE]).format_map(values))
