"""TCP ports on this machine."""

import socket

import psutil

from local.errors import LocalError

HOST = "127.0.0.1"


def is_free(port: int) -> bool:
    """Whether a server could listen on `port` now; port 0 (any) always is."""
    with socket.socket() as probe:
        # as servers do: a port is not taken only because old connections are still closing
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def choose_port(preferred: int) -> int:
    """`preferred` when it is free, else any free port."""
    if preferred and is_free(preferred):
        return preferred
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def accepts_connections(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=3):
            return True
    except OSError:
        return False


def describe_listener(port: int) -> str:
    """Who listens on `port`, as ` by gunicorn (pid 12)`; empty when the system does not tell."""
    try:
        for connection in psutil.net_connections(kind="tcp"):
            if connection.status != psutil.CONN_LISTEN or not connection.laddr or not connection.pid:
                continue
            if connection.laddr.port == port:
                return f" by {psutil.Process(connection.pid).name()} (pid {connection.pid})"
    except psutil.Error:  # other people's processes are not ours to see
        pass
    return ""


def read_port(environ_value: str | None, *, variable: str, default: int) -> int:
    """The port in the environment's `variable`. Raises `LocalError` when it is no port number."""
    if not environ_value:
        return default
    if not environ_value.isascii() or not environ_value.isdigit() or not 0 < int(environ_value) < 65536:
        raise LocalError(f"{variable}={environ_value} is no port: set a number from 1 to 65535")
    return int(environ_value)


def require_free_port(port: int, *, variable: str) -> None:
    """Raise `LocalError` when `port`, which `variable` sets, is taken or needs more rights than we have."""
    if is_free(port):
        return
    holder = describe_listener(port)
    if not holder and not accepts_connections(HOST, port):
        raise LocalError(f"port {port} cannot be used here: set {variable} to another port")
    raise LocalError(f"port {port} is taken{holder}: stop that program, or set {variable} to another port")
