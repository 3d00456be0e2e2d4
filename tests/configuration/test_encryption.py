"""Secrets at rest."""

import pytest
from cryptography.fernet import Fernet

from configuration.encryption import UnreadableSecret, decrypt, encrypt

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


def test_secret_comes_back_and_is_not_readable_as_stored():
    token = encrypt("pa55 é word")

    assert decrypt(token) == "pa55 é word"
    assert "pa55" not in token


def test_old_key_still_reads_after_a_new_one_is_put_first(settings):
    settings.FIELD_ENCRYPTION_KEYS = [OLD]
    token = encrypt("secret")

    settings.FIELD_ENCRYPTION_KEYS = [NEW, OLD]

    assert decrypt(token) == "secret"


def test_newest_key_encrypts(settings):
    settings.FIELD_ENCRYPTION_KEYS = [NEW, OLD]
    token = encrypt("secret")

    settings.FIELD_ENCRYPTION_KEYS = [NEW]

    assert decrypt(token) == "secret"


def test_secret_of_a_lost_key_is_refused_with_the_way_out(settings):
    settings.FIELD_ENCRYPTION_KEYS = [OLD]
    token = encrypt("secret")

    settings.FIELD_ENCRYPTION_KEYS = [NEW]

    with pytest.raises(UnreadableSecret, match="FIELD_ENCRYPTION_KEYS"):
        decrypt(token)
