"""The image, the compose file and the manifests: what can be checked without a container engine."""

import json
import re
from pathlib import Path

import pytest
from django.conf import settings

from config.doctor.broker import QUEUES
from config.environment import Environment
from tests.config.processes import PRODUCTION, ROOT, run_python

DOCKER = ROOT / "docker"
KUBERNETES = DOCKER / "kubernetes"
REQUIRED = {name.upper() for name, field in Environment.model_fields.items() if field.is_required()}
KNOWN = {name.upper() for name in Environment.model_fields}
# Of the servers that the compose file starts beside us; their addresses are made of them.
OF_SERVERS = {"POSTGRES_PASSWORD", "REDIS_PASSWORD"}
COLLECT = """
import sys, django
from django.conf import settings
django.setup()
settings.STATIC_ROOT = sys.argv[1]
from django.core.management import call_command
call_command("collectstatic", "--noinput", verbosity=0)
"""


def copied() -> list[str]:
    """What the second stage of the image takes from the project."""
    lines = (DOCKER / "Dockerfile").read_text().splitlines()
    return [line.split()[1] for line in lines if line.startswith("COPY ") and "--from" not in line]


def commands(path: Path) -> list[list[str]]:
    found = re.findall(r"^\s*command: (\[.*\])", path.read_text(), re.MULTILINE)
    return [json.loads(command) for command in found]


def names_in(path: Path) -> set[str]:
    """Variables given a value, as NAME=… or NAME: …"""
    return set(re.findall(r"^\s*([A-Z][A-Z_]+)\s*[=:]", path.read_text(), re.MULTILINE))


def test_image_holds_every_app_and_nothing_for_developers() -> None:
    sources = copied()
    apps = {app for app in settings.INSTALLED_APPS if (ROOT / app).is_dir()}

    assert [source for source in sources if not (ROOT / source).exists()] == []
    assert apps - set(sources) == set()
    assert {"sandbox", "local", "tests", "benchmarks"} & set(sources) == set()
    assert {"manage.py", "static", "templates"} <= set(sources)


@pytest.mark.parametrize("path", [DOCKER / "compose.yaml", KUBERNETES / "workers.yaml"], ids=lambda path: path.name)
def test_every_queue_has_a_worker_and_every_worker_a_queue(path: Path) -> None:
    celery = [command for command in commands(path) if command[0] == "celery"]
    workers = [command for command in celery if "worker" in command]

    listened = [command[command.index("-Q") + 1] for command in workers]
    assert sorted(",".join(listened).split(",")) == sorted(QUEUES)
    assert listened[0] == "payouts"
    assert [command[:3] for command in celery] == [["celery", "-A", "config"]] * 3
    assert [command[3] for command in celery].count("beat") == 1


def test_example_for_compose_holds_what_is_needed() -> None:
    names = names_in(DOCKER / "env.example")
    compose = (DOCKER / "compose.yaml").read_text()

    made = {name for name in ("DATABASE_URL", "REDIS_URL") if f"{name}: " in compose}
    assert REQUIRED - names == made
    assert names - KNOWN == OF_SERVERS
    assert set(re.findall(r"\$\{([A-Z_]+)", compose)) - names == set()


def test_manifests_hold_what_is_needed() -> None:
    secret, plain = names_in(KUBERNETES / "secret.example.yaml"), names_in(KUBERNETES / "configmap.yaml")

    assert secret == REQUIRED
    assert plain == {"ALLOWED_HOSTS", "PUBLIC_URL", "TRUSTED_PROXIES"}
    listed = re.findall(r"^\s*- (\S+\.yaml)$", (KUBERNETES / "kustomization.yaml").read_text(), re.MULTILINE)
    present = {path.name for path in KUBERNETES.glob("*.yaml")} - {"kustomization.yaml", "secret.example.yaml"}
    assert set(listed) == present


def test_examples_hold_no_secret() -> None:
    for path in (DOCKER / "env.example", KUBERNETES / "secret.example.yaml"):
        for line in path.read_text().splitlines():
            if re.match(r"\s*(SECRET_KEY|FIELD_|POSTGRES_|REDIS_|DATABASE_)", line):
                assert re.fullmatch(r'[\sA-Z_]+[=:]\s*("")?', line), line


def test_gunicorn_starts_with_its_configuration() -> None:
    check = ("-m", "gunicorn", "--config", "docker/gunicorn.conf.py", "--check-config", "config.wsgi:application")

    # Here nothing is collected; the image has the folder.
    outcome = run_python("-W", "ignore:No directory at", *check, env=PRODUCTION)

    assert (outcome.code, outcome.err) == (0, "")


def test_gunicorn_says_what_is_missing_in_one_line() -> None:
    start = ("-m", "gunicorn", "--config", "docker/gunicorn.conf.py", "config.wsgi:application")

    outcome = run_python(*start, env=PRODUCTION | {"SECRET_KEY": "", "PORT": "0"})

    assert outcome.code == 1
    assert outcome.err.splitlines()[-1].startswith("starhash: Environment variables: SECRET_KEY is not set")
    assert "Traceback" not in outcome.err


@pytest.mark.slow
def test_static_files_are_complete(tmp_path: Path) -> None:
    outcome = run_python("-c", COLLECT, str(tmp_path), env=PRODUCTION)

    assert (outcome.code, outcome.err) == (0, "")
    manifest = json.loads((tmp_path / "staticfiles.json").read_text())["paths"]
    assert [name for name in manifest.values() if not (tmp_path / name).is_file()] == []
    used = {
        name
        for page in ROOT.glob("**/templates/**/*.html")
        if ".venv" not in page.parts
        for name in re.findall(r"{% static '([^']+)' %}", page.read_text())
    }
    assert used - set(manifest) == set()
    assert {"simulator/phone.js", "simulator/wire.js", "brand/mark.svg"} <= set(manifest)
