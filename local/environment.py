"""The variables of `make run`: for its children, and for any `manage.py` that looks into DATA_DIR."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from local.connection import write_private
from local.errors import LocalError
from local.ports import HOST, read_port

FILE_NAME = "servers.json"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What the person chose through the environment (contract section 8)."""

    web_port: int
    sandbox_port: int
    sandbox: bool


def read_plan(environ: Mapping[str, str]) -> Plan:
    """Raises `LocalError` for a port that is none, or the same one twice."""
    web_port = read_port(environ.get("WEB_PORT"), variable="WEB_PORT", default=8000)
    sandbox_port = read_port(environ.get("SANDBOX_PORT"), variable="SANDBOX_PORT", default=8001)
    if web_port == sandbox_port:
        raise LocalError(f"web and sandbox cannot share port {web_port}: set WEB_PORT or SANDBOX_PORT to another")
    return Plan(
        web_port=web_port,
        sandbox_port=sandbox_port,
        sandbox=(environ.get("SANDBOX") or "1").lower() in ("1", "true", "yes", "on", "t", "y"),
    )


def build_variables(
    environ: Mapping[str, str],
    *,
    plan: Plan,
    data: Path,
    urls: Mapping[str, str],
    keys: Mapping[str, str],
) -> dict[str, str]:
    """The product's variables. What the person set wins over our defaults."""
    defaults = {
        **keys,
        "SANDBOX": "1",
        "PUBLIC_URL": f"http://{HOST}:{plan.web_port}",
        "DJANGO_SETTINGS_MODULE": "config.settings.dev",
    }
    if plan.sandbox:
        defaults["SANDBOX_URL"] = f"http://{HOST}:{plan.sandbox_port}"
    chosen = {name: environ.get(name) or value for name, value in defaults.items()}
    return {**chosen, **urls, "DATA_DIR": str(data)}


def build_child_environment(environ: Mapping[str, str], variables: Mapping[str, str]) -> dict[str, str]:
    """`variables` over our own environment; a proxy for the outside is not asked for this machine."""
    direct = ",".join(filter(None, [environ.get("no_proxy") or environ.get("NO_PROXY"), HOST, "localhost"]))
    return {**environ, **variables, "no_proxy": direct, "NO_PROXY": direct, "PYTHONUNBUFFERED": "1"}


def publish_variables(data: Path, variables: Mapping[str, str]) -> None:
    """Leave them in DATA_DIR, readable for our account alone, for as long as we run."""
    write_private(data / FILE_NAME, json.dumps({"pid": os.getpid(), "env": dict(variables)}, indent=1))


def withdraw_variables(data: Path) -> None:
    (data / FILE_NAME).unlink(missing_ok=True)
