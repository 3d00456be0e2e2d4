"""`python -m local exec -- COMMAND`: run one command on a pair of servers of its own."""

import signal
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from local.environment import build_child_environment
from local.errors import LocalError
from local.folders import hold_lock, prepare_folders, resolve_data_dir
from local.interruption import listen_to_stop
from local.keys import load_keys
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
    """Start the servers, run `command` with their URLs (and keys) in its environment, stop them; its exit code.

    `data` is the folder of the servers; usually DATA_DIR/exec, or DATA_DIR/test for throwaway data, which
    a crash may lose and which are removed afterwards. With `fresh` the whole folder is a temporary one.
    A command ended by signal N counts as 128 + N, as in a shell.
    """
    relay = SignalRelay()
    relay.listen()
    owner = find_owner()
    if fresh:
        folder = Path(tempfile.mkdtemp(prefix="starhash-exec-"))
        folder.chmod(0o711 if owner.switched else 0o700)
    else:
        usual = resolve_data_dir(environ.get("DATA_DIR")) / ("test" if throwaway else "exec")
        folder = resolve_data_dir(data or usual)
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
            keys = {name: environ.get(name) or key for name, key in load_keys(folder).items()}
            given = build_child_environment(environ, {**keys, **pair.urls, "DATA_DIR": str(folder)})
            relay.process = _start_command(command, given)
            code = relay.process.wait()
            return 128 - code if code < 0 else code
    finally:
        if fresh:
            folders.remove()


class SignalRelay:
    """Ctrl-C reaches the command from the terminal by itself; other requests to stop are passed on to it.

    Before the command runs they end us, through every `finally`; after it they find nothing to end, and
    the servers are stopped in peace.
    """

    def __init__(self) -> None:
        self.process: subprocess.Popen[bytes] | None = None

    def listen(self) -> None:
        listen_to_stop(self._relay)

    def _relay(self, number: int, _frame: object) -> None:
        if self.process is None:
            raise SystemExit(128 + number)
        if number != signal.SIGINT:
            self.process.send_signal(number)


def _start_command(command: list[str], environ: Mapping[str, str]) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(command, env=environ)
    except OSError as error:
        raise LocalError(f"{command[0]} cannot be run: {error.strerror}") from error
