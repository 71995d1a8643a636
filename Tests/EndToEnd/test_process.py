"""The process: commands, configuration, health, the log, its end."""

from __future__ import annotations

import json
import shutil
import signal
import threading
import time

import pytest

from support.people import Person, body_of, http_client
from support.processes import ROOT, eventually
from support.server import DEFAULTS, Server, run_command


def test_health_has_the_shape_that_clients_test_for(server):
    client = http_client(server)
    for path in ("/health", "/api/v1/health", "/api/health", "/healthz"):
        answer = client.get(path)
        assert answer.status_code == 200
        assert answer.json()["status"] == "healthy" and answer.json()["service"] == "timingle-api"
    assert client.get("/livez").status_code == 200
    ready = client.get("/readyz")
    assert ready.status_code == 200 and {"postgres", "redis", "nats"} <= ready.json()["checks"].keys()
    assert client.get("/ready").status_code == 200


def test_readiness_tells_what_the_brokers_acknowledgement_is_worth(own_world):
    ready = http_client(own_world.server)

    def sync() -> str:
        return ready.get("/readyz").json()["checks"]["nats"]["sync"]

    eventually(lambda: sync() == "always")
    version = ready.get("/readyz").json()["checks"]["nats"]["version"]
    assert [int(part) for part in version.split("-")[0].split(".")] >= [2, 10, 23]
    assert "ACKNOWLEDGES BEFORE IT SYNCS" not in own_world.server.log()
    own_world.nats.stop()
    own_world.nats.sync_interval = "1m"
    own_world.nats.start()
    eventually(lambda: sync() == "interval", seconds=20)
    eventually(lambda: "THE BROKER ACKNOWLEDGES BEFORE IT SYNCS" in own_world.server.log())


def test_a_hang_up_ends_nobodys_conversation(own_world):
    own_world.server.signal(signal.SIGHUP)
    time.sleep(0.5)
    assert own_world.server.is_running and own_world.server.status("/livez") == 200
    assert own_world.server.stop() == 0


def test_head_is_get_without_the_body(server):
    answer = http_client(server).head("/health")
    assert answer.status_code == 200 and answer.content == b"" and int(answer.headers["content-length"]) > 0


def test_version_help_and_usage():
    assert run_command("version", environment={}).returncode == 0
    usage = run_command("--help", environment={})
    assert usage.returncode == 0 and "migrate" in usage.stdout
    assert run_command("dance", environment={}).returncode == 64
    assert run_command("migrate", environment={}).returncode == 64


def test_every_problem_of_the_configuration_is_told_at_once():
    broken = {
        "ENV": "production",
        "PORT": "seventy",
        "AUTH_MODE": "open",
        "DATABASE_URL": "mysql://nobody",
        "RATE_LIMIT_WINDOW": "soon",
        "JWT_SECRET": "short",
    }
    for command in (("config", "check"), ("serve",)):
        result = run_command(*command, environment=broken, seconds=20)
        assert result.returncode == 78
        for name in ("PORT", "AUTH_MODE", "DATABASE_URL", "RATE_LIMIT_WINDOW", "JWT_SECRET"):
            assert name in result.stdout + result.stderr, f"{command} does not name {name}"


@pytest.mark.parametrize(
    ("variable", "value"), [("AUTH_MODE", "compat"), ("OTP_TEST_MODE", "true"), ("JWT_SECRET", "")]
)
def test_production_refuses_what_is_dangerous(variable, value):
    good = {
        "ENV": "production",
        "DATABASE_URL": "postgres://timingle:secret-word@localhost/timingle",
        "JWT_SECRET": "kD4v0wqv3pYb8yq2Jm7sN1xR5tZ9cF6h",
        "AUTH_MODE": "strict",
    }
    assert run_command("config", "check", environment=good).returncode == 0
    result = run_command("config", "check", environment={**good, variable: value})
    assert result.returncode == 78 and variable in result.stdout + result.stderr


def test_printing_the_configuration_shows_no_secret(world):
    result = run_command("config", "print", environment={**DEFAULTS, **world.environment})
    assert result.returncode == 0 and "PORT=" in result.stdout
    password = world.database.url.split("@")[0].rsplit(":", 1)[1]
    assert DEFAULTS["JWT_SECRET"] not in result.stdout and password not in result.stdout


def test_migrations_are_applied_once_and_verified(make_world, tmp_path):
    world = make_world()
    tables = world.database.query("SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'")
    assert world.migrate("up").returncode == 0
    assert (
        world.database.query("SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'") == tables
    )
    assert "0001" in world.migrate("status").stdout
    world.migrate("verify")

    changed = tmp_path / "migrations"
    shutil.copytree(ROOT / "migrations", changed)
    first = sorted(changed.glob("*.sql"))[0]
    first.write_text(first.read_text() + "\n-- A word more.\n")
    environment = {**DEFAULTS, **world.environment, "MIGRATIONS_DIR": str(changed)}
    for action in ("verify", "up"):
        result = run_command("migrate", action, environment=environment)
        assert result.returncode == 1 and "0001" in result.stdout + result.stderr


def test_migrations_at_once_wait_for_each_other(make_world):
    world = make_world()
    world.database.drop()
    world.database.create()
    results: list = []
    threads = [threading.Thread(target=lambda: results.append(world.migrate("up"))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(results) == 3
    world.migrate("verify")


def test_healthcheck_tells_by_its_exit_code(make_world):
    world = make_world()
    environment = world.server.environment
    assert run_command("healthcheck", environment=environment).returncode == 1
    world.server.start()
    assert run_command("healthcheck", environment=environment).returncode == 0


def test_sigterm_drains(make_world):
    world = make_world(SHUTDOWN_GRACE="2s")
    server = world.server.start()
    creator = Person(server, "지영").register()
    event = creator.create_event()["id"]
    room = creator.socket(event)
    for number in range(50):
        room.send(f"{number}")
    room.wait_lines(50)
    server.signal(signal.SIGTERM)
    eventually(lambda: server.status("/readyz") == 503, seconds=2)
    assert room.wait_closed() == 1012
    assert server.process.wait(20) == 0
    server.start()
    eventually(lambda: len(creator.texts(event)) == 50)


def test_sigint_ends_it_just_so(own_world):
    own_world.server.signal(signal.SIGINT)
    assert own_world.server.process.wait(20) == 0


def test_an_idle_socket_does_not_delay_the_end(own_world):
    people = [Person(own_world.server, "지영").register()]
    event = people[0].create_event()["id"]
    rooms = [people[0].socket(event) for _ in range(20)]
    begun = time.monotonic()
    assert own_world.server.stop() == 0
    assert time.monotonic() - begun < 10
    assert {room.wait_closed() for room in rooms} == {1012}


def test_the_log_is_json_lines_without_secrets(own_world):
    server = own_world.server
    person = Person(server, "지영").register()
    event = person.create_event()["id"]
    with person.socket(event) as room:
        room.send("비밀 이야기")
        room.wait_text("비밀 이야기")
    person.get(f"/events/{event}")
    assert server.stop() == 0
    lines = server.log().splitlines()
    assert len(lines) >= 3
    for line in lines:
        assert isinstance(json.loads(line), dict), line
    password = own_world.database.url.split("@")[0].rsplit(":", 1)[1]
    for secret in (person.token, person.refresh_token, DEFAULTS["JWT_SECRET"], password, "비밀 이야기"):
        assert secret not in server.log()


def test_a_worker_serves_no_requests_but_stores_what_a_gateway_took(make_world):
    world = make_world(ROLE="gateway")
    gateway = world.server.start()
    api = Server(world.directory, {**world.environment, "ROLE": "api"}, "api").start()
    worker = Server(world.directory, {**world.environment, "ROLE": "worker"}, "worker")
    try:
        creator = Person(api, "지영").register()
        event = creator.create_event()["id"]
        creator.server = gateway
        with creator.socket(event) as room:
            room.send("누가 적어 두나요")
            said = room.wait_text("누가 적어 두나요")
        worker.start()
        stored = eventually(lambda: creator.texts(event), seconds=20)
        assert [item["message_id"] for item in stored] == [said["message_id"]]
        assert worker.status("/api/v1/events") == 404
    finally:
        api.kill()
        worker.kill()


def test_gateways_hear_of_each_other_who_types_and_who_is_out(make_world):
    world = make_world(ROLE="gateway")
    first = world.server.start()
    second = Server(world.directory, {**world.environment, "ROLE": "gateway"}, "second")
    api = Server(world.directory, {**world.environment, "ROLE": "api"}, "api")
    try:
        second.start()
        api.start()
        creator, guest = Person(api, "지영").register(), Person(api, "민수").register()
        event = creator.create_event(guest)["id"]
        creator.server, guest.server = first, second
        with creator.socket(event) as here, guest.socket(event) as there:
            here.send("들려요?")
            there.wait_text("들려요?")
            here.send_frame({"type": "typing"})
            typing = there.wait(lambda: [frame for frame in there.frames if frame.get("type") == "typing"])
            assert [frame["data"]["user_id"] for frame in typing] == [creator.id]
            # Neither gateway took this request.
            body_of(guest.post(f"/events/{event}/decline"), 200)
            assert there.wait_closed() == 4507
            here.send("나갔네요")
            here.wait_text("나갔네요")
            assert "나갔네요" not in [line["message"] for line in there.lines()]
    finally:
        second.kill()
        api.kill()
