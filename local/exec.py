"""`python -m local exec -- COMMAND`: run one command on a pair of servers of its own."""

import os
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from local.errors import LocalError
from local.folders import hold_lock, prepare_folders, resolve_data_dir
from local.owner import find_owner
from local.servers import EXEC_PORTS, run_servers


def run_command(
    command: list[str],
    *,
    environ: Mapping[str, str],
    data: Path | None,
    fresh: bool,
    throwaway: bool,
) -> int:
    """Start the servers, run `command` with their URLs in its environment, stop them; its exit code.

    `data` is the folder of the servers (default DATA_DIR/test). With `fresh` it is a temporary one,
    removed afterwards. With `throwaway` a crash may lose the data, and they are removed afterwards.
    A command ended by signal N counts as 128 + N, as in a shell.
    """
    owner = find_owner()
    if fresh:
        folder = Path(tempfile.mkdtemp(prefix="starhash-exec-"))
        folder.chmod(0o711 if owner.switched else 0o700)
    else:
        folder = resolve_data_dir(data or resolve_data_dir(environ.get("DATA_DIR")) / "test")
    folders = prepare_folders(folder, owner)
    try:
        with (
            hold_lock(folder),
            run_servers(
                folders=folders,
                owner=owner,
                environ=environ,
                preferred_ports=EXEC_PORTS,
                throwaway=throwaway or fresh,
            ) as pair,
        ):
            # DATA_DIR too: what a `make run` beside us wrote there must not reach the command
            return _run(command, environ={**environ, **pair.urls, "DATA_DIR": str(folder)})
    finally:
        if fresh:
            folders.remove()


def _run(command: list[str], *, environ: Mapping[str, str]) -> int:
    """Run it in the foreground. Ctrl-C reaches it from the terminal; SIGTERM and SIGHUP are passed on."""
    process: subprocess.Popen[bytes] | None = None
    asked: list[int] = []

    def pass_on(number: int, _frame: object) -> None:
        asked.append(number)
        if process is not None:
            process.send_signal(number)

    previous = {number: signal.signal(number, pass_on) for number in (signal.SIGTERM, signal.SIGHUP)}
    # our own Ctrl-C is the command's to answer; we only wait for it and then stop the servers
    previous[signal.SIGINT] = signal.signal(signal.SIGINT, lambda _number, _frame: None)
    try:
        try:
            process = subprocess.Popen(command, env=environ)
        except OSError as error:
            raise LocalError(f"{command[0]} cannot be run: {os.strerror(error.errno or 0)}") from error
        for number in asked:
            process.send_signal(number)
        code = process.wait()
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
    return 128 - code if code < 0 else code
