"""Installing: once per version of the requirements, and one clear line when the machine lacks something."""

import subprocess
import sys
from pathlib import Path

import pytest

from local import install


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose environment is there but empty."""
    (tmp_path / "requirements").mkdir()
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    for name in ("local", "dev"):
        (tmp_path / "requirements" / f"{name}.txt").write_text(f"{name}==1\n")
    monkeypatch.setattr(install, "PROJECT", tmp_path)
    monkeypatch.setattr(install, "REQUIREMENTS", tmp_path / "requirements")
    monkeypatch.setattr(install, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(install, "PYTHON", tmp_path / ".venv" / "bin" / "python")
    return tmp_path


@pytest.fixture
def installed(project: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The requirements that were handed to pip."""
    done: list[str] = []
    monkeypatch.setattr(install, "works", lambda _python: True)
    monkeypatch.setattr(install, "run_pip", lambda requirements: done.append(requirements.name))
    return done


def write_program(path: Path, script: str) -> Path:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def test_requirements_are_installed_once_and_again_when_they_change(project: Path, installed: list[str]) -> None:
    install.install_requirements("local")
    install.install_requirements("local")
    assert installed == ["local.txt"]

    (project / "requirements" / "local.txt").write_text("local==2\n")
    install.install_requirements("local")
    assert installed == ["local.txt", "local.txt"]


def test_what_dev_installs_is_enough_to_run(installed: list[str]) -> None:
    install.install_requirements("dev")
    install.install_requirements("local")

    assert installed == ["dev.txt"]


def test_failed_installation_is_tried_again(
    project: Path, installed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_requirements: Path) -> None:
        raise install.InstallError("no network")

    with monkeypatch.context() as patch:
        patch.setattr(install, "run_pip", fail)
        with pytest.raises(install.InstallError):
            install.install_requirements("local")

    install.install_requirements("local")
    assert installed == ["local.txt"]


def test_pip_that_fails_is_told(project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    write_program(install.PYTHON, '[ "$1" = -c ] && exit 0; echo "ERROR: no matching distribution" >&2; exit 1')

    assert install.main(["local"]) == 1

    said = capfd.readouterr().err.splitlines()
    assert said[0] == "ERROR: no matching distribution"
    assert said[1].startswith("starhash: the packages could not be installed, for the reason above")
    assert len(said) == 2


def test_python_without_ensurepip_is_told_what_to_install(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = "The virtual environment was not created successfully because ensurepip is not available."
    monkeypatch.setattr(sys, "executable", str(write_program(project / "python3", f'echo "{words}"; exit 1')))

    assert install.main(["local"]) == 1

    said = capsys.readouterr().err
    assert said.startswith("starhash: ")
    assert "apt-get install python3-venv" in said
    assert said.count("\n") == 1


def test_python_that_is_too_old_is_told(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 10, 4))

    assert install.main(["local"]) == 1

    assert capsys.readouterr().err.startswith("starhash: Python 3.11 or newer is needed")


def test_interpreter_that_was_moved_or_has_no_pip_does_not_count(project: Path) -> None:
    assert not install.works(install.PYTHON)
    install.PYTHON.symlink_to(project / "gone")
    assert not install.works(install.PYTHON)
    install.PYTHON.unlink()
    write_program(install.PYTHON, "exit 1")
    assert not install.works(install.PYTHON)
    assert install.works(Path(sys.executable))


def test_make_without_any_python_is_one_line() -> None:
    ran = subprocess.run(
        ["make", "--no-print-directory", "install-local", "PYTHON=no-such-python"],
        check=False,
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
    )

    assert ran.returncode == 2
    assert ran.stderr.splitlines()[0] == (
        "starhash: no Python 3.11 or newer found (no-such-python): install one, or set PYTHON to it"
    )
