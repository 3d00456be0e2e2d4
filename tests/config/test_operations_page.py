"""docs/operations.md says what is so: the variables, the log lines and the settings it names exist."""

import re

import pytest
from pydantic_core import PydanticUndefined

from config.environment import Environment
from configuration.registry import all_categories
from promos.codes import DEFAULT_ALPHABET, read_code
from tests.config.processes import ROOT

PAGE = (ROOT / "docs" / "operations.md").read_text()
APPS = (
    "accounts",
    "audit",
    "config",
    "configuration",
    "disbursements",
    "ledger",
    "loans",
    "notifications",
    "promos",
    "ussd",
)


def test_the_page_about_codes_shows_the_alphabet_and_a_possible_code() -> None:
    page = (ROOT / "docs" / "codes.md").read_text()
    drawn = re.search(r"^    ([A-Z0-9 –]+)$", page, re.MULTILINE)

    assert f"`{DEFAULT_ALPHABET}`" in page
    assert drawn and read_code(drawn[1], check_from=None) == "A7QXKM26RT11H420"


def variable_rows() -> list[str]:
    """The table of the environment as it must stand in the page."""
    rows = []
    for name, field in Environment.model_fields.items():
        default = field.default
        if default is PydanticUndefined:
            shown = "**required**"
        elif default == "":
            shown = "–"
        else:
            shown = f"`{int(default) if isinstance(default, bool) else default}`"
        rows.append(f"| `{name.upper()}` | {field.description} | {shown} |")
    return rows


def section(title: str) -> str:
    """The text below a heading, to the next one."""
    found = re.search(rf"^## {re.escape(title)}$(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found, title
    return found[1]


def test_every_variable_is_described_as_it_is() -> None:
    rows = [line for line in section("Environment").splitlines() if line.startswith("| `")]

    assert rows[: len(Environment.model_fields)] == variable_rows()


def test_variables_of_gunicorn_are_read_by_its_configuration() -> None:
    rows = re.findall(r"^\| `([A-Z_]+)` \|", section("Environment"), re.MULTILINE)
    configuration = (ROOT / "docker" / "gunicorn.conf.py").read_text()

    others = [name for name in rows if name.lower() not in Environment.model_fields]
    assert others == sorted(re.findall(r"environ\.get\(['\"]([A-Z_]+)", configuration))


def test_every_log_line_it_names_is_written_somewhere() -> None:
    sources = "".join(path.read_text() for app in APPS for path in (ROOT / app).rglob("*.py"))
    named = re.findall(r"^\| `([a-z_]+)`", section("Reading the logs"), re.MULTILINE)

    assert len(named) > 5
    assert [name for name in named if f'"{name}"' not in sources] == []


@pytest.mark.parametrize("category", all_categories(), ids=lambda category: category.slug)
def test_settings_changed_on_the_command_line_exist(category: type) -> None:
    pairs = re.findall(rf"manage\.py configure {category.slug} ((?:--set \S+ ?)+)", PAGE)

    names = [name for pair in pairs for name in re.findall(r"--set ([a-z_]+)=", pair)]
    assert [name for name in names if name not in category.model_fields] == []
