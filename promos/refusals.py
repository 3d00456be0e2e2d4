"""The base of this app's refusals: what staff asked for cannot be done, and why in words they can read."""

from typing import ClassVar


class PromoRefusal(Exception):
    """Nothing was changed. The message is for people, `code` for programs."""

    code: ClassVar[str] = "PROMO_REFUSED"
