"""What every test of payouts against the sandbox process does."""

from tests.disbursements.conftest import Line
from tests.support.sandbox_process import SandboxProcess


def drive(line: Line, *, steps: int = 40) -> None:
    """Look at it whenever it is due, until it is settled."""
    for _ in range(steps):
        line.go()
        if line.row.status in ("completed", "failed"):
            return
    raise AssertionError(f"still {line.row.status} after {steps} steps: {line.row.error_code} {line.attempts}")


def paid(sandbox: SandboxProcess) -> list[dict[str, object]]:
    return [transfer for transfer in sandbox.transfers() if transfer["status"] == "SUCCESSFUL"]
