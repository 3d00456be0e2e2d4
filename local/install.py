"""`python local/install.py local|dev`: a virtual environment in .venv with exactly what is pinned.

Runs with any Python 3.11 or newer before anything is installed, so it uses the standard library alone.
A stamp with the hash of the requirements file makes every later start skip the installation.
"""

import fcntl
import hashlib
import os
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
REQUIREMENTS = PROJECT / "requirements"
VENV = PROJECT / ".venv"
PYTHON = VENV / "bin" / "python"
# What `dev` installs contains what `local` installs, at the same versions.
CONTAINED_IN = {"local": ("local", "dev"), "dev": ("dev",)}
OLDEST = (3, 11)


class InstallError(Exception):
    """A trouble whose text is one line that says what to do."""


def install_requirements(name: str) -> None:
    """Make .venv and install `requirements/NAME.txt`, unless that is done. Raises `InstallError`."""
    directory = os.open(REQUIREMENTS, os.O_RDONLY)
    try:
        fcntl.flock(directory, fcntl.LOCK_EX)  # `make run` and `make test` may begin at the same time
        if not works(PYTHON):
            create_environment()
        if any(find_stamp(one).exists() for one in CONTAINED_IN[name]):
            return
        run_pip(REQUIREMENTS / f"{name}.txt")
        stamp = find_stamp(name)
        for old in stamp.parent.glob(f"installed-{name}-*"):
            old.unlink()
        stamp.touch()
    finally:
        os.close(directory)


def find_stamp(name: str) -> Path:
    """The file that says that this very version of `requirements/NAME.txt` is installed."""
    digest = hashlib.sha256((REQUIREMENTS / f"{name}.txt").read_bytes()).hexdigest()[:16]
    return VENV / f"installed-{name}-{digest}"


def works(python: Path) -> bool:
    """Whether that interpreter is there, runs and has pip. One that was moved or half made does not."""
    question = f"import sys, pip; sys.exit(sys.version_info < {OLDEST})"
    try:
        return subprocess.run([python, "-c", question], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def create_environment() -> None:
    print(f"creating {VENV} with Python {sys.version.split()[0]}", flush=True)
    answer = subprocess.run(
        [sys.executable, "-m", "venv", "--clear", str(VENV)], capture_output=True, text=True, check=False
    )
    if answer.returncode == 0:
        return
    said = answer.stdout + answer.stderr
    if "ensurepip" in said or "No module named venv" in said:
        raise InstallError(
            f"{sys.executable} cannot make virtual environments: install its venv module "
            "(Debian and Ubuntu: apt-get install python3-venv), or set PYTHON to another Python"
        )
    last = (said.strip().splitlines() or ["no words"])[-1]
    raise InstallError(f"{VENV} cannot be made ({last}): remove it, or set PYTHON to another Python")


def run_pip(requirements: Path) -> None:
    print(f"installing {requirements.relative_to(PROJECT)}: the first time takes a minute or two", flush=True)
    command = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    answer = subprocess.run([*command, "--require-hashes", "-r", str(requirements)], check=False)
    if answer.returncode:
        raise InstallError(
            "the packages could not be installed, for the reason above: is the package index reachable, "
            "is there room on the disk? The next try goes on from here"
        )


def main(arguments: list[str]) -> int:
    try:
        if sys.version_info < OLDEST:
            raise InstallError(f"Python 3.11 or newer is needed, {sys.executable} is older: set PYTHON")
        if len(arguments) != 1 or arguments[0] not in CONTAINED_IN:
            raise InstallError("say what to install: local or dev")
        install_requirements(arguments[0])
    except InstallError as error:
        print(f"starhash: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
