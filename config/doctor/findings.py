"""What a check of the doctor says."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """`fail` puts money or customers at risk now; `warn` will when something else goes wrong."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True)
class Finding:
    """One thing looked at: what was seen, and what to do when it is not right."""

    name: str
    verdict: Verdict
    seen: str
    fix: str = ""

    def as_dict(self) -> dict[str, str]:
        """For `--json`."""
        return {key: str(value) for key, value in asdict(self).items()}


def judge(name: str, good: bool, seen: str, fix: str, *, otherwise: Verdict = Verdict.FAIL) -> Finding:
    """A finding that is fine when `good`, and carries the fix when it is not."""
    return Finding(name, Verdict.OK, seen) if good else Finding(name, otherwise, seen, fix)


Check = Callable[[], list[Finding]]


@dataclass(frozen=True)
class Group:
    """Checks that all need one server. `reach` raises when it is away; then the others would only wait for it."""

    name: str
    checks: tuple[Check, ...]
    reach: Callable[[], object] | None = None
    fix: str = ""


def examine(groups: list[Group]) -> list[Finding]:
    """Run every check; one that breaks is a finding itself and does not hide the others."""
    findings: list[Finding] = []
    for group in groups:
        if group.reach:
            try:
                group.reach()
            except Exception as error:
                findings.append(Finding(group.name, Verdict.FAIL, f"does not answer: {_first_line(error)}", group.fix))
                continue
            findings.append(Finding(group.name, Verdict.OK, "answers"))
        for check in group.checks:
            try:
                findings += check()
            except Exception as error:
                seen = f"could not be checked: {_first_line(error)}"
                findings.append(Finding(_name_of(check), Verdict.FAIL, seen, "Mend what the message names."))
    return findings


def _name_of(check: Check) -> str:
    return check.__name__.removeprefix("check_").replace("_", " ")


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
