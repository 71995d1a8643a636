"""One world for all tests that only need a server, and worlds of their own for those that break things."""

from __future__ import annotations

import contextlib
import os

import pytest

from support.people import Person
from support.server import LIVING, OVER_TLS, open_world

# These count bytes, resets and half-closes of bare sockets.
collect_ignore = ["test_abuse.py", "test_http.py", "test_rudeness.py"] if OVER_TLS else []


@pytest.fixture(scope="session")
def administration_url() -> str:
    url = os.environ.get("TIMINGLE_TEST_DATABASE_URL")
    if not url:
        pytest.exit("TIMINGLE_TEST_DATABASE_URL is not set: run the tests by `make e2e`", returncode=2)
    return url


@pytest.fixture(scope="session")
def world(administration_url):
    """The shared world. Its server must not be stopped or starved."""
    with open_world(administration_url) as shared:
        shared.server.start()
        yield shared


@pytest.fixture
def server(world):
    return world.server


@pytest.fixture
def make_world(administration_url):
    """Makes worlds of one's own: `make_world(CHAT_RATE_BURST="20")`. The server in it is not started yet."""
    with contextlib.ExitStack() as stack:
        yield lambda **environment: stack.enter_context(open_world(administration_url, **environment))


@pytest.fixture
def own_world(make_world):
    """A world of one's own, its server ready."""
    made = make_world()
    made.server.start()
    return made


@pytest.fixture
def people(server):
    """Registers people at the shared server: `minsu, jiyoung = people("민수", "지영")`."""

    def register(*names: str) -> list[Person]:
        return [Person(server, name).register() for name in names]

    return register


@pytest.fixture
def pair(people):
    """A creator and a guest with an appointment."""
    creator, guest = people("지영", "민수")
    return creator, guest, creator.create_event(guest)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """A failure without the server's own words is a riddle."""
    report = yield
    if report.failed:
        for number, world in enumerate(LIVING):
            for running in world.programs():
                report.sections.append((f"log of {running.name}, world {number}", running.log_tail(30)))
    return report
