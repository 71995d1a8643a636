"""HTTPS and WSS as other people's clients see them."""

from __future__ import annotations

import signal
import socket
import ssl
import subprocess
import time

import pytest

from support.certificates import Certificate
from support.people import Chat, Person, http_client
from support.processes import eventually
from support.server import run_command

REQUEST = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    directory = tmp_path_factory.mktemp("tls")
    return {name: Certificate(directory, name, kind) for name, kind in (("first", "ec"), ("second", "rsa"))}


@pytest.fixture(scope="module")
def secure(administration_url, certificates):
    from support.server import open_world

    with open_world(administration_url, **certificates["first"].environment) as world:
        yield world.server.start()


def shake_hands(server, context: ssl.SSLContext, session: ssl.SSLSession | None = None) -> ssl.SSLSocket:
    plain = socket.create_connection(("127.0.0.1", server.port), timeout=10)
    return context.wrap_socket(plain, server_hostname="localhost", session=session)


def only(context: ssl.SSLContext, version: ssl.TLSVersion) -> ssl.SSLContext:
    context.minimum_version = context.maximum_version = version
    return context


def get(connection: ssl.SSLSocket) -> int:
    connection.sendall(REQUEST)
    seen = b""
    while b"\r\n\r\n" not in seen:
        seen += connection.recv(65_536)
    return int(seen.split()[1])


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_both_versions_speak_with_forward_secrecy_and_resume(secure, certificates, version):
    context = only(certificates["first"].trusting(), version)
    context.set_alpn_protocols(["h2", "http/1.1"])
    with shake_hands(secure, context) as connection:
        assert get(connection) == 200
        assert connection.selected_alpn_protocol() == "http/1.1"
        name, _, bits = connection.cipher()
        assert ("GCM" in name or "CHACHA20" in name) and bits >= 128 and connection.compression() is None
        assert version == ssl.TLSVersion.TLSv1_3 or name.startswith("ECDHE-")
        session = connection.session
    with shake_hands(secure, context, session) as again:
        assert get(again) == 200
        assert again.session_reused


@pytest.mark.parametrize(
    "offer",
    [["-tls1"], ["-tls1_1"], ["-tls1_2", "-cipher", "AES128-SHA"], ["-tls1_2", "-cipher", "AES128-GCM-SHA256"]]
    + [["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA"], ["-alpn", "h2"]],
    ids=" ".join,
)
def test_what_is_weak_or_unknown_is_refused(secure, offer):
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{secure.port}", *offer]
    if "-cipher" in command:
        command[command.index("-cipher") + 1] += ":@SECLEVEL=0"
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20)
    assert "Cipher is (NONE)" in done.stdout or "alert" in done.stderr
    assert "-alpn" not in offer or "no application protocol" in done.stderr
    assert secure.status("/livez") == 200


def test_plain_http_is_told_so(secure):
    with socket.create_connection(("127.0.0.1", secure.port), timeout=10) as connection:
        connection.sendall(REQUEST)
        seen = b""
        while more := connection.recv(4_096):
            seen += more
    assert seen.startswith(b"HTTP/1.1 400 ") and b"HTTPS" in seen


def test_a_handshake_byte_by_byte_is_a_handshake(secure, certificates):
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    session = certificates["first"].trusting().wrap_bio(incoming, outgoing, server_hostname="localhost")
    with socket.create_connection(("127.0.0.1", secure.port), timeout=10) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

        def drip():
            for byte in outgoing.read():
                connection.sendall(bytes([byte]))

        while True:
            try:
                session.do_handshake()
                break
            except ssl.SSLWantReadError:
                drip()
                incoming.write(connection.recv(65_536))
        session.write(REQUEST)
        drip()
        incoming.write(connection.recv(65_536))
        while True:
            try:
                assert session.read(12) == b"HTTP/1.1 200"
                break
            except ssl.SSLWantReadError:
                incoming.write(connection.recv(65_536))


def test_a_handshake_that_never_ends_is_ended(secure):
    with socket.create_connection(("127.0.0.1", secure.port), timeout=20) as connection:
        connection.sendall(b"\x16\x03\x01\x02\x00\x01")
        begin = time.monotonic()
        assert connection.recv(100) == b""
        assert 5 < time.monotonic() - begin < 15


def test_healthcheck_speaks_tls(secure):
    assert run_command("healthcheck", environment=secure.environment).returncode == 0


def test_half_a_pair_and_a_wrong_key_are_refused_with_the_files_name(secure, certificates):
    environment = dict(secure.environment, TLS_KEY_FILE="", PORT="0")
    half = run_command("config", "check", environment=environment)
    assert half.returncode == 78 and "TLS_KEY_FILE" in half.stderr
    environment["TLS_KEY_FILE"] = str(certificates["second"].key_file)
    wrong = run_command("serve", environment=environment)
    output = wrong.stdout + wrong.stderr
    assert wrong.returncode == 1 and "second.key" in output and "is not the key of the certificate" in output


def test_a_new_certificate_is_for_new_connections(make_world, certificates, tmp_path):
    first, second = certificates["first"], certificates["second"]
    certificate, key = tmp_path / "live.pem", tmp_path / "live.key"

    def install(source: Certificate) -> None:
        certificate.write_bytes(source.file.read_bytes())
        key.write_bytes(source.key_file.read_bytes())

    install(first)
    server = make_world(TLS_CERT_FILE=str(certificate), TLS_KEY_FILE=str(key)).server.start()
    creator, guest = Person(server, "지영").register(), Person(server, "민수").register()
    event = creator.create_event(guest)
    context = only(first.trusting(), ssl.TLSVersion.TLSv1_2)
    with shake_hands(server, context) as connection:
        assert get(connection) == 200
        session = connection.session

    with Chat(creator, event["id"]) as chat:
        chat.send("before")
        chat.wait_text("before")
        install(second)
        server.signal(signal.SIGHUP)
        eventually(lambda: "certificate reloaded" in server.log())
        chat.send("after")
        chat.wait_text("after")
        with shake_hands(server, second.trusting()) as connection:
            assert connection.getpeercert(binary_form=True) == second.der and get(connection) == 200
        with pytest.raises(ssl.SSLCertVerificationError):
            shake_hands(server, first.trusting())
        # A session outlives the certificate that it began with.
        with shake_hands(server, context, session) as connection:
            assert get(connection) == 200 and connection.session_reused
        key.write_text("broken")
        server.signal(signal.SIGHUP)
        eventually(lambda: "certificate not reloaded" in server.log())
        assert "holds no private key" in server.log()
        with shake_hands(server, second.trusting()) as connection:
            assert connection.getpeercert(binary_form=True) == second.der
        chat.send("still")
        chat.wait_text("still")
