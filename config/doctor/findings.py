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


def examine(checks: list[tuple[str, Check]]) -> list[Finding]:
    """Run every check; one that breaks is a finding itself and does not hide the others."""
    findings: list[Finding] = []
    for name, check in checks:
        try:
            findings += check()
        except Exception as error:
            findings.append(
                Finding(
                    name,
                    Verdict.FAIL,
                    f"could not be checked: {error}".strip(),
                    "Mend what the message names.",
                )
            )
    return findings
