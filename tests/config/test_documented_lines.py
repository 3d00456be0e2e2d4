"""The lines in docs/integrators.md work as they stand, and give the answers that stand below them."""

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command, get_commands
from django.utils import timezone
from pytest_django.live_server_helper import LiveServer

from config.demo.loader import load_demo
from tests.config.processes import ROOT
from tests.support.background import background_work
from tests.support.sandbox_process import SandboxProcess
from ussd.selectors import forget_gateways

GUIDE = ROOT / "docs" / "integrators.md"
# Seconds.
PATIENCE = 40
_BLOCK = re.compile(r"^```(sh|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass
class Example:
    """A block of curl lines and the answer that follows it."""

    lines: str
    answer: str


def examples() -> list[Example]:
    """Every curl block of the guide, in order."""
    found: list[Example] = []
    for kind, text in _BLOCK.findall(GUIDE.read_text()):
        if kind == "text":
            found[-1].answer += text
        elif "curl " in text:
            found.append(Example(text, ""))
    return found


def matches(answer: str, expected: str) -> bool:
    """`…` stands for anything within a line; line ends between answers are ours, not theirs."""
    pattern = "".join(".*?" if part == "…" else re.escape(part) for part in re.split("(…)", expected.strip()))
    return re.fullmatch(pattern, answer.strip()) is not None


@pytest.fixture
def shell(live_server: LiveServer, settings: Any) -> Iterator[dict[str, str]]:
    """A running product and the variables that the guide sets first."""
    if not shutil.which("curl") or not shutil.which("bash"):
        pytest.skip("no curl or no bash here")
    with SandboxProcess(settle_ms=0) as sandbox:
        settings.SANDBOX_URL, settings.PUBLIC_URL = sandbox.url, live_server.url
        forget_gateways()
        load_demo(at=timezone.now())
        out = StringIO()
        call_command("demo_access", "--shell", stdout=out)
        variables = dict(line.split("=", 1) for line in out.getvalue().splitlines())
        with background_work():
            yield {name: value.strip("'") for name, value in variables.items()}
    forget_gateways()


def run(lines: str, variables: dict[str, str]) -> str:
    """What the lines print, one answer a line."""
    # curl prints no newline after an answer without one.
    script = re.sub(r"^curl ", "curl -w '\\\\n' ", lines, flags=re.MULTILINE)
    done = subprocess.run(
        ["bash", "-euc", script],
        env={"PATH": os.environ["PATH"], "NO_PROXY": "*", **variables},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return re.sub(r"\n+", "\n", done.stdout)


@pytest.mark.django_db(transaction=True)
def test_every_line_gives_the_answer_below_it(shell: dict[str, str]) -> None:
    found = examples()
    assert len(found) >= 10
    assert [example.lines for example in found if not example.answer] == []
    for example in found:
        answer = run(example.lines, shell)
        for _ in range(PATIENCE):
            # Money and SMS take a moment; a repeat does nothing twice.
            if matches(answer, example.answer):
                break
            time.sleep(1)
            answer = run(example.lines, shell)
        assert matches(answer, example.answer), f"{example.lines}\nsaid\n{answer}\nand not\n{example.answer}"


def test_commands_in_the_docs_exist() -> None:
    known = set(get_commands())
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))):
        for command in re.findall(r"manage\.py ([a-z_]+)", page.read_text()):
            assert command in known, f"{page.name}: manage.py {command}"


def test_links_between_pages_lead_somewhere() -> None:
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))):
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
