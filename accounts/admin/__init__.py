"""The back office's pages about people, groups and tokens. Importing them registers them."""

from accounts.admin import groups, own_password, tokens, users

__all__ = ["groups", "own_password", "tokens", "users"]
