"""The base of this app's refusals of what staff or partners asked for: why not, in words they can read."""

from typing import ClassVar


class LendingRefusal(Exception):
    """Nothing was changed. The message is for people, `code` for programs."""

    code: ClassVar[str] = "LENDING_REFUSED"
