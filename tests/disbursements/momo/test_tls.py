"""The same over TLS, as in production: whom we trust, and that the time limit holds there too."""

import datetime
import ipaddress
import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from disbursements.providers.base import Answer
from outbound import exchange as transport
from outbound.exchange import NothingSent, TimeLimit, exchange
from tests.disbursements.momo.conftest import TRANSFER, make_client, make_transfer, sign_in
from tests.disbursements.momo.raw_server import Answer as RawAnswer
from tests.disbursements.momo.raw_server import RawServer, drip, say, say_token


class TlsServer(RawServer):
    """The server that misbehaves, behind a certificate."""

    certificate: Path

    def _handle(self, connection: socket.socket) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate)
        try:
            secured = context.wrap_socket(connection, server_side=True)
        except OSError:
            return  # the client does not trust us
        super()._handle(secured)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1 that nobody signed but itself, and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "misbehaving")])
    now = datetime.datetime.now(datetime.UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + signed.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture
def tls_server(certificate: Path) -> Iterator[TlsServer]:
    server = TlsServer({"/disbursement/token/": [say_token()]})
    server.certificate = certificate
    with server:
        server.url = server.url.replace("http://", "https://")
        yield server


@pytest.fixture
def trusted(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    session = transport._new_session()
    session.verify = str(certificate)
    monkeypatch.setattr(transport, "_shared", session)


def answer_transfer(server: TlsServer, answer: RawAnswer, limit: TimeLimit) -> Answer:
    server.answers[TRANSFER] = [answer]
    return make_client(server.url, limit=limit).send(make_transfer()).answer


@pytest.mark.usefixtures("trusted")
def test_trusted_server_is_spoken_to(tls_server: TlsServer) -> None:
    assert answer_transfer(tls_server, say(202), TimeLimit(30, 30)) is Answer.ACCEPTED


def test_untrusted_server_is_told_nothing(tls_server: TlsServer) -> None:
    with pytest.raises(NothingSent) as refused:
        exchange(method="POST", url=tls_server.url + TRANSFER, headers={}, body=b"{}", limit=TimeLimit(30, 30))

    assert refused.value.code == "TLS_FAILED"
    assert tls_server.seen == []


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize(
    "answer", [drip(b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 200, pause=0.1), drip(b"HTTP/1.1 2" * 20, pause=0.1)]
)
def test_time_limit_holds_over_tls(tls_server: TlsServer, answer: RawAnswer) -> None:
    sign_in(tls_server.url)
    started = time.monotonic()

    assert answer_transfer(tls_server, answer, TimeLimit(2, 0.5)) is Answer.UNKNOWN
    # The whole of either answer would take twenty seconds.
    assert time.monotonic() - started < 20


def test_plain_server_where_tls_is_expected_gives_nothing(misbehaving: RawServer) -> None:
    misbehaving.answers["*"] = [say(202)]
    client = make_client(misbehaving.url.replace("http://", "https://"), momo_connect_timeout_seconds=1)

    assert client.send(make_transfer()).answer is Answer.NOT_ASKED  # the token could not be had
    assert misbehaving.seen == []
