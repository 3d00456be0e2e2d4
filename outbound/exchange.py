"""One bounded HTTP exchange: no redirect followed, no cookie kept, a limit on every wait and on the body's size."""

import os
import socket
import ssl
import threading
from contextvars import ContextVar
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from typing import Any, Self

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, HTTPError, MaxRetryError, NewConnectionError

# Answers are a few hundred bytes; a page of a firewall some thousands.
MAX_BODY_BYTES = 65_536
CHUNK_BYTES = 8_192
POOL_SIZE = 16


@dataclass(frozen=True)
class Reply:
    """What came back. `body` is None when it was too large, cut off or too slow to read."""

    status: int
    body: bytes | None


@dataclass(frozen=True)
class TimeLimit:
    """Seconds for a connection, and for the whole answer after it."""

    connect: float
    read: float

    @property
    def total(self) -> float:
        return self.connect + self.read


class ExchangeFailed(Exception):
    """No status was read. `code` says why, in a word; the text of the library's error stays behind."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class NothingSent(ExchangeFailed):
    """The connection never stood: not one byte of the request left."""


class NoReply(ExchangeFailed):
    """The request may have arrived. What became of it is unknown."""


def exchange(*, method: str, url: str, headers: dict[str, str], body: bytes | None = None, limit: TimeLimit) -> Reply:
    """Send once, read the answer. Raises NothingSent or NoReply, nothing else for what a network may do."""
    with _Watchdog(limit.total) as watchdog:
        try:
            with _session().request(
                method,
                url,
                data=body,
                headers=headers,
                timeout=(limit.connect, limit.read),
                allow_redirects=False,
                stream=True,
            ) as response:
                return Reply(response.status_code, _read_body(response, watchdog))
        # From None: the library's errors carry the request, and with it the credentials.
        except (requests.RequestException, HTTPError, OSError) as error:
            code = _word_for(error)
            if _is_before_sending(error):
                raise NothingSent(code) from None
            raise NoReply("TIME_OUT" if watchdog.has_bitten else code) from None


def _read_body(response: requests.Response, watchdog: "_Watchdog") -> bytes | None:
    body = b""
    try:
        # To the very end: only the read that finds nothing tells a whole body from one cut short.
        while len(body) <= MAX_BODY_BYTES and (chunk := response.raw.read(CHUNK_BYTES, decode_content=False)):
            body += chunk
    except (HTTPError, OSError):
        return None
    # A cut connection looks like the end of a body that has no length.
    return None if watchdog.has_bitten or len(body) > MAX_BODY_BYTES else body


def _is_before_sending(error: Exception) -> bool:
    """Whether this error can only come before the first byte. When in doubt, no."""
    if isinstance(error, requests.ConnectTimeout):
        return True
    cause = error.args[0] if error.args else None
    reason = cause.reason if isinstance(cause, MaxRetryError) else cause
    if isinstance(reason, NewConnectionError | ConnectTimeoutError):
        return True
    below = reason.args[0] if isinstance(reason, HTTPError) and reason.args else None
    return isinstance(below, ssl.SSLCertVerificationError)


def _word_for(error: Exception) -> str:
    if isinstance(error, requests.Timeout):
        return "TIME_OUT"
    if isinstance(error, requests.exceptions.SSLError):
        return "TLS_FAILED"
    return "CONNECTION_FAILED" if _is_before_sending(error) else "CONNECTION_LOST"


class _Watchdog:
    """Cuts the connection of one exchange when its time is over.

    A read time-out alone bounds each pause, not the sum: a byte every few seconds would hold a worker for ever.
    """

    def __init__(self, seconds: float) -> None:
        self._timer = threading.Timer(seconds, self._bite)
        self._timer.daemon = True
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self.has_bitten = False

    def watch(self, watched: socket.socket) -> None:
        with self._lock:
            self._socket = watched
            if self.has_bitten:
                _cut(watched)

    def _bite(self) -> None:
        with self._lock:
            self.has_bitten = True
            if self._socket is not None:
                _cut(self._socket)

    def __enter__(self) -> Self:
        self._token = _watchdog.set(self)
        self._timer.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._timer.cancel()
        _watchdog.reset(self._token)
        with self._lock:
            # From here on the connection may serve another exchange.
            self._socket = None


_watchdog: ContextVar[_Watchdog | None] = ContextVar("watchdog", default=None)


def _cut(watched: socket.socket) -> None:
    """End it under the reader's feet, also below TLS, whose own shutdown is not for another thread."""
    try:
        socket.socket.shutdown(watched, socket.SHUT_RDWR)
    except OSError:
        return  # already closed


class _Watched:
    """A connection that shows its socket to the watchdog before it waits for an answer."""

    sock: Any

    def getresponse(self) -> Any:
        watchdog = _watchdog.get()
        if watchdog is not None and self.sock is not None:
            watchdog.watch(self.sock)
        return super().getresponse()  # type: ignore[misc]  # the other parent has it


class _WatchedHTTPConnection(_Watched, HTTPConnection):
    pass


class _WatchedHTTPSConnection(_Watched, HTTPSConnection):
    pass


class _HTTPPool(HTTPConnectionPool):
    ConnectionCls = _WatchedHTTPConnection


class _HTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _WatchedHTTPSConnection


class _WatchedAdapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _HTTPPool, "https": _HTTPSPool}


def _new_session() -> requests.Session:
    session = requests.Session()
    # Neither proxies nor .netrc of whoever started us; .netrc would replace our Authorization header.
    session.trust_env = False
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    # The body is read as it comes, so that its limit is one of bytes.
    session.headers = requests.structures.CaseInsensitiveDict(
        {"Accept": "application/json", "Accept-Encoding": "identity"}
    )
    adapter = _WatchedAdapter(pool_maxsize=POOL_SIZE)
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    return session


# Made at its first use and never taken over a fork: two processes on one connection would mix up answers.
_shared: requests.Session | None = None
_shared_lock = threading.Lock()


def _session() -> requests.Session:
    global _shared
    with _shared_lock:
        if _shared is None:
            _shared = _new_session()
        return _shared


def _start_afresh_in_child() -> None:
    global _shared, _shared_lock
    _shared, _shared_lock = None, threading.Lock()


os.register_at_fork(after_in_child=_start_afresh_in_child)
