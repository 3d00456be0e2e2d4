"""The typed environment: every variable the product reads, in one place.

While `make run` is up it leaves `DATA_DIR/servers.json`, so that `manage.py` finds its servers with no
variable set (contract section 8). Real environment variables win over that file.
"""

import json
import os
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

PROJECT_ROOT = Path(__file__).resolve().parent.parent


def local_servers() -> dict[str, Any]:
    """Variables that a running `make run` left for us; empty when none runs or the file is not ours to read."""
    data_dir = PROJECT_ROOT / os.environ.get("DATA_DIR", ".local")
    try:
        found = json.loads((data_dir / "servers.json").read_text())
        if not _runs(int(found["pid"])):
            return {}
        return {str(name).lower(): value for name, value in found["env"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _runs(pid: int) -> bool:
    """A killed `make run` leaves its file behind."""
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except OSError:
        return False
    return True


class LocalServersSource(PydanticBaseSettingsSource):
    """Lowest source: what `make run` wrote."""

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        return {name: value for name, value in local_servers().items() if name in self.settings_cls.model_fields}


class Environment(BaseSettings):
    """What the process is told from outside. Secrets have no default here; `dev` and `test` settings add theirs."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True)

    database_url: str = Field(description="PostgreSQL, as postgres://user:password@host:port/name")
    redis_url: str = Field(description="Redis or Valkey; one URL serves broker, cache and sessions unless split below")
    redis_broker_url: str = Field("", description="Broker, when it is not REDIS_URL (amqp:// works too)")
    redis_session_url: str = Field("", description="USSD sessions and throttles, when not REDIS_URL")
    redis_key_prefix: str = Field("starhash", description="Put before every Redis key")
    secret_key: SecretStr = Field(description="Django's signing key, at least 50 characters")
    field_encryption_keys: SecretStr = Field(
        description="Fernet keys, comma separated, newest first; they encrypt secrets in configuration rows"
    )
    sandbox: bool = Field(False, description="1: demo data, phone simulator, simulated providers and numbers")
    sandbox_url: str = Field("http://127.0.0.1:8001", description="Where the sandbox process answers")
    public_url: str = Field("", description="Our own address as providers see it; callbacks are sent there")
    allowed_hosts: str = Field("", description="Host names we answer to, comma separated")
    trusted_proxies: int = Field(0, ge=0, description="How many proxies in front of us append X-Forwarded-For")
    log_level: str = Field("INFO", description="DEBUG, INFO, WARNING or ERROR")
    log_json: bool = Field(True, description="1: one JSON object a line; 0: for people")
    database_pool_size: int = Field(10, ge=1, le=100, description="Connections a process keeps at most")
    behind_pgbouncer: bool = Field(False, description="1: no own pool, no prepared statements, no server cursors")

    @field_validator("database_url")
    @classmethod
    def database_is_postgres(cls, value: str) -> str:
        """Only PostgreSQL has the triggers and partitions the money depends on."""
        if not value.startswith(("postgres://", "postgresql://")):
            raise ValueError("must start with postgres:// or postgresql://")
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        *sources: PydanticBaseSettingsSource,
        **named: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (named["init_settings"], named["env_settings"], LocalServersSource(settings_cls))


@lru_cache
def environment() -> Environment:
    """The environment, read once per process."""
    return Environment()
