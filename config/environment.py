"""The typed environment: every variable the product reads, in one place. Settings are made from it."""

from functools import lru_cache
from pathlib import Path

from cryptography.fernet import Fernet, MultiFernet
from django.core.exceptions import ImproperlyConfigured
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

PROJECT_ROOT = Path(__file__).resolve().parent.parent
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
KEY_HINT = 'make one with: python -c "from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())"'


class EnvironmentRefused(ImproperlyConfigured):
    """Variables are missing or wrong. The message names each of them, and no value: values may be secret."""


class Environment(BaseSettings):
    """What the process is told from outside. Secrets have no default here; `dev` and `test` settings add theirs."""

    # An empty variable counts as unset: that is what a compose file or a form with a gap makes of it.
    model_config = SettingsConfigDict(extra="ignore", frozen=True, env_ignore_empty=True)

    database_url: str = Field(description="PostgreSQL, as postgres://user:password@host:port/name")
    redis_url: str = Field(description="Redis or Valkey, for broker, cache and sessions unless split below")
    redis_broker_url: str = Field("", description="Broker, when it is not REDIS_URL (amqp:// works too)")
    redis_session_url: str = Field("", description="USSD sessions and throttles, when not REDIS_URL")
    redis_key_prefix: str = Field("starhash", description="Put before every Redis key")
    secret_key: SecretStr = Field(description="Django's signing key, at least 50 characters")
    field_encryption_keys: SecretStr = Field(
        description="Fernet keys, comma separated, newest first: they encrypt secrets in the database"
    )
    sandbox: bool = Field(False, description="1: demo data, phone simulator, simulated providers and numbers")
    sandbox_url: str = Field("http://127.0.0.1:8001", description="Where the sandbox process answers")
    public_url: str = Field("", description="Our own address as providers see it, where callbacks are sent")
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

    @field_validator("redis_url", "redis_session_url")
    @classmethod
    def redis_speaks_redis(cls, value: str) -> str:
        """What the client library understands; the broker may be something else."""
        if value and not value.startswith(("redis://", "rediss://", "unix://")):
            raise ValueError("must start with redis://, rediss:// or unix://")
        return value

    @field_validator("public_url", "sandbox_url")
    @classmethod
    def address_is_http(cls, value: str) -> str:
        """Callbacks are sent to it, links are made from it."""
        if value and not value.startswith(("http://", "https://")):
            raise ValueError("must start with http:// or https://")
        return value.rstrip("/")

    @field_validator("field_encryption_keys")
    @classmethod
    def keys_are_fernet_keys(cls, value: SecretStr) -> SecretStr:
        """A bad key would be noticed only when a secret is read, in the middle of a payout."""
        keys = split(value.get_secret_value())
        try:
            MultiFernet([Fernet(key) for key in keys])
        except ValueError as error:
            raise ValueError(f"must hold Fernet keys, separated by commas; {KEY_HINT}") from error
        return value

    @field_validator("log_level")
    @classmethod
    def log_level_exists(cls, value: str) -> str:
        """In any case of letters."""
        if value.upper() not in LOG_LEVELS:
            raise ValueError(f"must be one of {', '.join(LOG_LEVELS)}")
        return value.upper()


def split(text: str) -> list[str]:
    """The parts of a variable that holds several, separated by commas."""
    return [part.strip() for part in text.split(",") if part.strip()]


@lru_cache
def environment() -> Environment:
    """Read once per process. Raises EnvironmentRefused, which names every variable that stands in the way."""
    try:
        return Environment()
    except ValidationError as error:
        raise EnvironmentRefused(explain(error)) from None


def explain(error: ValidationError) -> str:
    """One line for all variables. Pydantic's own words show values, and so passwords."""
    found: list[str] = []
    for problem in error.errors(include_input=False, include_url=False):
        name = str(problem["loc"][0])
        if problem["type"] == "missing":
            found.append(f"{name.upper()} is not set ({Environment.model_fields[name].description})")
        else:
            found.append(f"{name.upper()} {problem['msg'].removeprefix('Value error, ')}")
    return "Environment variables: " + "; ".join(found) + "."
