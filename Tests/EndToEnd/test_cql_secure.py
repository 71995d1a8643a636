"""A Cassandra that speaks TLS alone and wants a password: what is set wrongly is said, at once and by its name."""

from __future__ import annotations

import json
import os
import time

import httpx
import pytest

from support.certificates import Certificate
from support.people import Person
from support.processes import eventually
from support.server import DEFAULTS, Server, run_command

pytestmark = [
    pytest.mark.timeout(120),
    pytest.mark.skipif(not os.environ.get("TIMINGLE_E2E_CQL_CA"), reason="has a stage of its own: make cql-secure"),
]

UNSET = None

# What is set wrongly, and the variables that an operator is to look at.
MISTAKES = {
    "password": ({"SCYLLA_PASSWORD": "wrong"}, "SCYLLA_USERNAME, SCYLLA_PASSWORD"),
    "nobody": ({"SCYLLA_USERNAME": UNSET, "SCYLLA_PASSWORD": UNSET}, "SCYLLA_USERNAME, SCYLLA_PASSWORD"),
    "authority": ({"SCYLLA_CA_FILE": "stranger"}, "SCYLLA_CA_FILE"),
    "name": ({"SCYLLA_TLS_NAME": "db.example.org"}, "SCYLLA_TLS_NAME"),
    "plain text": ({"SCYLLA_TLS": UNSET, "SCYLLA_CA_FILE": UNSET}, "SCYLLA_TLS, SCYLLA_PORT"),
}


def with_mistake(environment: dict[str, str], wrong: dict, directory) -> dict[str, str]:
    changed = {**environment, **wrong}
    if changed.get("SCYLLA_CA_FILE") == "stranger":
        changed["SCYLLA_CA_FILE"] = str(Certificate(directory, "stranger").file)
    return {name: value for name, value in changed.items() if value is not UNSET}


def cql_check(server) -> dict:
    return httpx.get(server.url + "/readyz", timeout=10, trust_env=False, verify=server.tls or False).json()["checks"][
        "cql"
    ]


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_migration_that_cannot_connect_says_where_to_look(world, tmp_path, mistake):
    wrong, variables = MISTAKES[mistake]
    environment = with_mistake({**DEFAULTS, **world.environment}, wrong, tmp_path)
    start = time.monotonic()
    done = run_command("migrate", "up", environment=environment, seconds=30)
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"see {variables}" in done.stderr, done.stderr
    assert time.monotonic() - start < 10, "it hung"
    assert "cassandra\n" not in done.stderr and "wrong" not in done.stderr, "secrets are not told"


@pytest.fixture
def mistaken(world, mistake):
    """A second server of the world, which has one thing set wrongly."""
    wrong, _ = MISTAKES[mistake]
    environment = with_mistake(world.environment, wrong, world.directory)
    server = Server(world.directory, environment, f"with-wrong-{mistake.replace(' ', '-')}")
    try:
        yield server.start()
    finally:
        server.kill()


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_server_that_cannot_connect_serves_and_says_once_where_to_look(mistaken, mistake):
    _, variables = MISTAKES[mistake]
    eventually(lambda: cql_check(mistaken)["status"] == "down", seconds=15)
    # Long enough for some attempts.
    eventually(lambda: variables in json.dumps(cql_check(mistaken)), seconds=15)
    time.sleep(3)
    told = [line for line in map(json.loads, mistaken.log().splitlines()) if line["label"] == "cql"]
    warnings = [line for line in told if line["level"] == "warning"]
    assert len(warnings) == 1, told
    assert warnings[0]["metadata"]["see"] == variables
    # What needs no Cassandra is there.
    assert Person(mistaken, "지영").register().id
    assert mistaken.stop() == 0


def test_chat_and_history_are_kept_over_tls_by_password(world, people):
    creator, guest = people("지영", "민수")
    event = creator.create_event(guest)["id"]
    with creator.socket(event) as room:
        room.send("비밀")
        room.wait_text("비밀")
    eventually(lambda: [item["message"] for item in guest.texts(event)] == ["비밀"], seconds=20)

    def stored() -> bool:
        rows = world.keyspace.query(f"SELECT message FROM {{}}.chat_messages_by_event WHERE event_id = {event}")
        return "비밀" in [row.message for row in rows]

    eventually(stored, seconds=20)
    assert cql_check(world.server)["status"] == "up"
