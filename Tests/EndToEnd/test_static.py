"""Files below /console/, as browsers and download tools ask for them, and as those do who look for other files."""

from __future__ import annotations

import gzip
import os
import random
import re
import socket
from email.utils import formatdate
from pathlib import Path

import pytest

from support.certificates import Certificate
from support.people import http_client
from support.processes import eventually
from support.raw import Raw
from support.server import OVER_TLS, open_world

LARGE = random.Random(7).randbytes(20 * 1024 * 1024)
# A tag is strong once its file has been left alone for a second.
STRONG = re.compile(r'"[0-9a-f]{16}"')


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    outer = tmp_path_factory.mktemp("static")
    (outer / "secret").write_text("secret")
    root = outer / "root"
    (root / "docs").mkdir(parents=True)
    (root / "index.html").write_text("<h1>console</h1>")
    (root / "docs" / "index.html").write_text("<h1>docs</h1>")
    (root / "app.js").write_text("let answer = 42;\n" * 200)
    (root / "app.js.gz").write_bytes(gzip.compress((root / "app.js").read_bytes()))
    (root / "app.3f2a9c01.css").write_text("p{}")
    (root / "large.bin").write_bytes(LARGE)
    # A date is a validator only of what has not changed in the last two seconds.
    os.utime(root / "large.bin", (1_700_000_000, 1_700_000_000))
    (root / ".env").write_text("secret")
    (root / "out").symlink_to("../secret")
    (root / "passwd").symlink_to("/etc/passwd")
    (root / "up").symlink_to("..")
    return root


@pytest.fixture(scope="module")
def console(administration_url, site):
    with open_world(administration_url, STATIC_DIR=str(site)) as world:
        yield world.server.start()


@pytest.fixture(scope="module")
def secure(administration_url, site, tmp_path_factory):
    certificate = Certificate(tmp_path_factory.mktemp("certificate"), "static")
    with open_world(administration_url, STATIC_DIR=str(site), **certificate.environment) as world:
        yield world.server.start()


@pytest.fixture(params=["console"] if OVER_TLS else ["console", "secure"])
def either(request):
    """The same over plain text and over TLS."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def client(either):
    with http_client(either) as client:
        yield client


def settled_tag(client, path: str) -> str:
    return eventually(lambda: (tag := client.head(path).headers["etag"]) and STRONG.fullmatch(tag) and tag)


def test_a_page_and_its_parts(client):
    page = client.get("/console/")
    assert page.status_code == 200 and page.text == "<h1>console</h1>"
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["x-content-type-options"] == "nosniff" and page.headers["cache-control"] == "no-cache"
    assert client.get("/console/app.3f2a9c01.css").headers["cache-control"] == "public, max-age=31536000, immutable"
    for path, location in [("/console", "/console/"), ("/console/docs?a=1", "/console/docs/?a=1")]:
        moved = client.get(path)
        assert moved.status_code == 308 and moved.headers["location"] == location
    assert client.get("/console/docs", follow_redirects=True).text == "<h1>docs</h1>"


def test_compressed_siblings(client, site):
    plain = client.get("/console/app.js", headers={"Accept-Encoding": "identity"})
    packed = client.get("/console/app.js", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip" and "content-encoding" not in plain.headers
    assert packed.text == plain.text == (site / "app.js").read_text()
    assert int(packed.headers["content-length"]) < int(plain.headers["content-length"])
    assert packed.headers["etag"] != plain.headers["etag"]
    assert plain.headers["vary"] == packed.headers["vary"] == "Accept-Encoding"


def test_ranges_of_a_large_file(client):
    size = len(LARGE)
    whole = client.get("/console/large.bin")
    assert whole.content == LARGE and whole.headers["accept-ranges"] == "bytes"
    dice = random.Random(11)
    spans = [(0, 0), (size - 1, size - 1), (0, size - 1), (1, 1_048_576), (1_048_575, 1_048_577)]
    spans += [tuple(sorted(dice.sample(range(size), 2))) for _ in range(10)]
    for first, last in spans:
        part = client.get("/console/large.bin", headers={"Range": f"bytes={first}-{last}"})
        assert part.status_code == 206 and part.headers["content-range"] == f"bytes {first}-{last}/{size}"
        assert part.content == LARGE[first : last + 1], (first, last)
    assert client.get("/console/large.bin", headers={"Range": "bytes=-9"}).content == LARGE[-9:]
    assert client.get("/console/large.bin", headers={"Range": f"bytes={size - 9}-"}).content == LARGE[-9:]
    beyond = client.get("/console/large.bin", headers={"Range": f"bytes={size}-"})
    assert beyond.status_code == 416 and beyond.headers["content-range"] == f"bytes */{size}"
    assert beyond.json()["error"]["code"] == "RANGE_NOT_SATISFIABLE"
    for odd in ["bytes=5-4", "lines=1-2", "bytes=" + ",".join(f"{n}-{n}" for n in range(0, 100, 2)), "bytes=" + "0-," * 9]:
        assert client.get("/console/large.bin", headers={"Range": odd}).status_code == 200, odd


def test_several_ranges(client):
    spans = [(5, 9), (len(LARGE) - 500_000, len(LARGE) - 1), (0, 700_000)]
    answer = client.get("/console/large.bin", headers={"Range": "bytes=" + ",".join(f"{a}-{b}" for a, b in spans)})
    assert answer.status_code == 206
    boundary = re.fullmatch(r"multipart/byteranges; boundary=(\S+)", answer.headers["content-type"])[1].encode()
    expected = b""
    for a, b in spans:
        expected += b"\r\n--" + boundary + b"\r\nContent-Type: application/octet-stream\r\n"
        expected += b"Content-Range: bytes %d-%d/%d\r\n\r\n" % (a, b, len(LARGE)) + LARGE[a : b + 1]
    assert answer.content == expected.removeprefix(b"\r\n") + b"\r\n--" + boundary + b"--\r\n"


def test_conditions(client, site):
    tag = settled_tag(client, "/console/large.bin")
    modified = formatdate((site / "large.bin").stat().st_mtime, usegmt=True)
    assert client.head("/console/large.bin").headers["last-modified"] == modified
    for headers in [{"If-None-Match": f'"x", W/{tag}'}, {"If-None-Match": "*"}, {"If-Modified-Since": modified}]:
        answer = client.get("/console/large.bin", headers=headers)
        assert answer.status_code == 304 and answer.content == b"" and answer.headers["etag"] == tag, headers
    for headers in [{"If-Match": '"x"'}, {"If-Match": f"W/{tag}"}, {"If-Unmodified-Since": formatdate(0, usegmt=True)}]:
        answer = client.get("/console/large.bin", headers=headers)
        assert answer.status_code == 412 and answer.json()["error"]["code"] == "PRECONDITION_FAILED", headers
    for condition, status in [(tag, 206), (modified, 206), ('"x"', 200), (formatdate(0, usegmt=True), 200)]:
        answer = client.get("/console/large.bin", headers={"Range": "bytes=3-5", "If-Range": condition})
        assert answer.status_code == status
        assert answer.content == (LARGE[3:6] if status == 206 else LARGE)


def test_other_methods_are_not_allowed(client):
    for method in ["POST", "PUT", "DELETE", "PATCH"]:
        answer = client.request(method, "/console/app.js")
        assert answer.status_code == 405 and answer.headers["allow"] == "GET, HEAD, OPTIONS"
    head = client.head("/console/large.bin")
    assert head.status_code == 200 and head.headers["content-length"] == str(len(LARGE)) and head.content == b""


@pytest.mark.parametrize(
    "path",
    ["../secret", "docs/../../secret", "%2e%2e/secret", "..%2fsecret", "%2e%2e%2fsecret", "..%5csecret", "/etc/passwd"]
    + ["//etc/passwd", "%2fetc%2fpasswd", "docs/..%2f..%2f..%2fetc%2fpasswd", ".env", "%2eenv", "out", "passwd", "up/secret"]
    + ["up/", "app.js%00", "app.js%00.html", "%c0%ae%c0%ae/secret", "%252e%252e/secret", "docs%2findex.html", "./app.js"]
    + ["app.js/", "docs//index.html", "nothing", "app.js/..", "%ff", "\x7f.js", "a" * 4_000, "a/" * 3_000],
)
def test_nothing_outside_is_reached(console, path):
    with console.connection() as connection:
        connection.sendall(b"GET /console/" + path.encode("latin-1") + b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        answer = b""
        while more := connection.recv(65_536):
            answer += more
    assert answer.split()[1] in (b"404", b"400"), answer[:200]
    assert b"secret" not in answer and b"root:" not in answer


def test_absence_is_told_like_any_other(client):
    answer = client.get("/console/nothing.js", headers={"Accept-Language": "en"})
    assert answer.status_code == 404 and answer.json()["error"]["code"] == "NOT_FOUND"
    assert answer.headers["content-type"].startswith("application/json")


def test_no_directory_no_files(server):
    with http_client(server) as client:
        assert client.get("/console/").status_code == 404


def test_a_directory_that_is_not_there_is_told_at_the_start(make_world, tmp_path):
    world = make_world(STATIC_DIR=str(tmp_path / "missing"))
    with pytest.raises(AssertionError, match="STATIC_DIR"):
        world.server.start()


def receive_all(connection: socket.socket) -> bytes:
    seen = []
    while True:
        try:
            more = connection.recv(1 << 20)
        except (ConnectionResetError, OSError):
            break
        if not more:
            break
        seen.append(more)
    return b"".join(seen)


def begin(server, path: str) -> tuple[socket.socket, bytes]:
    """A reader that has seen the head and a little more; what both kernels hold meanwhile is less than half of LARGE."""
    connection = server.connection(seconds=30)
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
    return connection, connection.recv(4_096)


def test_a_file_that_is_replaced_under_way_arrives_as_it_was(either, site):
    (site / "deployed.bin").write_bytes(LARGE)
    connection, seen = begin(either, "/console/deployed.bin")
    (site / "next.bin").write_bytes(b"next")
    (site / "next.bin").rename(site / "deployed.bin")
    with connection:
        seen += receive_all(connection)
    assert seen.split(b"\r\n\r\n", 1)[1] == LARGE
    with http_client(either) as client:
        assert client.get("/console/deployed.bin").content == b"next"


def test_a_file_that_is_cut_short_under_way_ends_the_connection(either, site):
    (site / "shrinking.bin").write_bytes(LARGE)
    connection, seen = begin(either, "/console/shrinking.bin")
    with (site / "shrinking.bin").open("r+b") as file:
        file.truncate(8_192)
    with connection:
        seen += receive_all(connection)
    head, content = seen.split(b"\r\n\r\n", 1)
    assert f"Content-Length: {len(LARGE)}".encode() in head
    # Behind the cut the kernel zeroes what sendfile has lent to the socket; the end that comes too early tells.
    assert len(content) < len(LARGE) and LARGE.startswith(content[:8_192])
    assert either.status("/livez") == 200
    eventually(lambda: "a file changed or failed while it was sent" in either.log_tail(50))


def resident_bytes(server) -> int:
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) * 1024


def descriptors_of(server, path: Path) -> int:
    links = Path(f"/proc/{server.process.pid}/fd").iterdir()
    return sum(1 for link in links if link.is_symlink() and link.readlink() == path)


def test_slow_readers_cost_little_and_hold_up_nobody(either, site):
    with http_client(either) as client:
        client.get("/console/large.bin")
        before = resident_bytes(either)
        readers = [begin(either, "/console/large.bin")[0] for _ in range(64)]
        for _ in range(20):
            assert client.get("/console/index.html").status_code == 200
        grown = resident_bytes(either) - before
        assert grown < 64 * 512 * 1024, f"{grown} bytes for 64 readers of {len(LARGE)}"
        assert descriptors_of(either, site / "large.bin") == 1
        assert receive_all(readers[0])[-1_000_000:] == LARGE[-1_000_000:]
        for reader in readers:
            reader.close()
        eventually(lambda: descriptors_of(either, site / "large.bin") == 0)


@pytest.mark.skipif(OVER_TLS, reason="counts bytes of bare sockets")
def test_pipelined_requests_and_http_1_0(console):
    raw = Raw(console)
    get = b"GET /console/large.bin HTTP/1.1\r\nHost: a\r\nRange: bytes=%d-%d\r\n\r\n"
    raw.send(get % (0, 99_999) + get % (100_000, 299_999) + b"GET /console/docs/ HTTP/1.0\r\n\r\n")
    seen = raw.rest()
    parts = re.split(rb"HTTP/1\.1 \d+ [^\r]+\r\n.*?\r\n\r\n", seen, flags=re.DOTALL)[1:]
    assert parts == [LARGE[:100_000], LARGE[100_000:300_000], b"<h1>docs</h1>"]
