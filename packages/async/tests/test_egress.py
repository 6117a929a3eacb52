"""Requests to URLs of strangers: to public addresses alone, and to the one that was checked."""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from pymacaron_async import egress
from pymacaron_async.egress import Refused, check_url, is_public, resolve, send
from receivers import receiving

if TYPE_CHECKING:
    from pathlib import Path

PUBLIC = ["93.184.216.34", "2606:2800:220:1::1", "64:ff9b::5db8:d822", "2002:5db8:d822::1"]
PRIVATE = [
    "127.0.0.1", "127.9.9.9", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
    "224.0.0.1", "240.0.0.1", "255.255.255.255", "192.0.2.1", "198.18.0.1",
    "::", "::1", "fe80::1", "fec0::1", "fd00::1", "ff02::1", "2001:db8::1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a00:1", "2002:7f00:1::", "2002:a00:1::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
]  # fmt: skip


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses(address: str) -> None:
    """They may be called, in whatever form they are written."""
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", PRIVATE)
def test_addresses_that_are_not_public(address: str) -> None:
    """Loopback, private, link-local, shared, documentation, multicast, and what stands for one of them."""
    assert not is_public(ipaddress.ip_address(address))


def answering(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> list[str]:
    """Let ``example.com`` have some addresses; return the names that are resolved."""
    names: list[str] = []
    resolved = socket.getaddrinfo

    def found(host: str, port: int, *rest: Any, **more: Any) -> list[Any]:
        if host != "example.com":
            return resolved(host, port, *rest, **more)
        names.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", found)
    return names


def test_every_address_of_a_name_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is not public suffices to refuse the name; listed hosts may be anywhere."""
    answering(monkeypatch, "93.184.216.34", "10.0.0.1")
    parts = check_url("http://example.com/", ())
    with pytest.raises(Refused, match=r"example\.com has an address that is not public"):
        resolve(parts, ())
    assert resolve(parts, ["example.com"]) == [("93.184.216.34", 80), ("10.0.0.1", 80)]


def test_the_connection_goes_to_the_address_that_was_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    """The name is resolved once; where its first address does not answer, the next one is tried."""
    with receiving() as receiver:
        names = answering(monkeypatch, "127.0.0.2", "127.0.0.1")
        connect, tried = socket.create_connection, []

        def connected(address: Any, timeout: Any) -> socket.socket:
            tried.append(address[0])
            return connect(address, timeout)

        monkeypatch.setattr(socket, "create_connection", connected)
        url = f"http://example.com:{receiver.port}/a?b=c"
        assert send("PUT", url, b"x", {"A": "b"}, ["example.com"]) == 200
    assert (names, tried) == (["example.com"], ["127.0.0.2", "127.0.0.1"])
    (got,) = receiver.got
    assert (got.method, got.path, got.body) == ("PUT", "/a?b=c", b"x")
    assert got.headers["host"] == f"example.com:{receiver.port}"


def test_a_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would go where nothing was checked."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with receiving() as receiver:
        assert send("POST", receiver.url, b"", {}, ["127.0.0.1"]) == 200


def test_redirects_are_not_followed() -> None:
    """The status comes back as it is."""
    with receiving() as receiver:
        receiver.answers.append(307)
        receiver.headers["Location"] = f"{receiver.url}/elsewhere"
        assert send("POST", receiver.url, b"", {}, ["127.0.0.1"]) == 307
        assert len(receiver.got) == 1


def test_a_receiver_that_answers_byte_by_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection is cut in the end, however little by little it goes on."""
    monkeypatch.setattr(egress, "_AT_MOST", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip() -> None:
            connection, _ = server.accept()
            with connection:
                try:
                    while True:
                        connection.sendall(b"H")
                        threading.Event().wait(0.05)
                except OSError:
                    return

        thread = threading.Thread(target=drip)
        thread.start()
        with pytest.raises(http.client.HTTPException):
            send("POST", f"http://127.0.0.1:{server.getsockname()[1]}/", b"", {}, ["127.0.0.1"])
        thread.join(10)
        assert not thread.is_alive()


def certificate(folder: Path, name: str) -> Path:
    """Write a certificate for a name, signed by itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "certificate.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.mark.parametrize(("host", "is_trusted"), [("example.com", True), ("example.org", False)])
def test_the_certificate_must_be_the_hosts(
    host: str, is_trusted: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection goes to an address, yet the certificate is checked for the name."""
    path = certificate(tmp_path, "example.com")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(path)
    monkeypatch.setattr("requests.utils.DEFAULT_CA_BUNDLE_PATH", str(path))
    egress._tls.cache_clear()
    try:
        with receiving(tls) as receiver:
            monkeypatch.setattr(egress, "resolve", lambda parts, allowed: [("127.0.0.1", receiver.port)])
            url = f"https://{host}/x"
            if is_trusted:
                assert send("POST", url, b"", {}, [host]) == 200
            else:
                with pytest.raises(ssl.SSLCertVerificationError):
                    send("POST", url, b"", {}, [host])
            assert len(receiver.got) == int(is_trusted)
    finally:
        egress._tls.cache_clear()
