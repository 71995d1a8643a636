"""The Cassandra node of `make e2e CQL=1`: one for the whole run, a keyspace for each world."""

from __future__ import annotations

import functools
import os
import subprocess

from support.processes import ROOT, eventually


class Node:
    """The one node, to be killed and revived from outside."""

    def __init__(self) -> None:
        host, port = os.environ["TIMINGLE_E2E_CQL"].rsplit(":", 1)
        self.host = host
        self.port = int(port)

    def _script(self, verb: str) -> None:
        command = [str(ROOT / "scripts" / "cassandra.sh"), verb, os.environ.get("TIMINGLE_E2E_CQL_NAME", "test"), "1"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=150, cwd=ROOT)
        assert done.returncode == 0, done.stderr

    def kill(self) -> None:
        self._script("kill")

    def revive(self) -> None:
        """Returns when it answers."""
        self._script("revive")

    def pause(self) -> None:
        self._script("pause")

    def resume(self) -> None:
        self._script("resume")

    @functools.cached_property
    def session(self):
        from cassandra.cluster import Cluster

        cluster = Cluster([self.host], port=self.port, connect_timeout=30, control_connection_timeout=30)
        session = cluster.connect()
        session.default_timeout = 60
        return session


@functools.cache
def node() -> Node:
    return Node()


class Keyspace:
    """A world's keyspace; `migrate up` makes it."""

    def __init__(self, name: str):
        self.name = name
        self.node = node()
        self.environment = {
            "SCYLLA_HOSTS": self.node.host,
            "SCYLLA_PORT": str(self.node.port),
            "SCYLLA_KEYSPACE": name,
        }

    @staticmethod
    def is_wanted() -> bool:
        return bool(os.environ.get("TIMINGLE_E2E_CQL"))

    def query(self, cql: str) -> list:
        """Rows; `{}` stands for the keyspace."""
        return list(self.node.session.execute(cql.format(self.name)))

    def drop(self) -> None:
        def dropped() -> bool:
            try:
                self.query("DROP KEYSPACE IF EXISTS {}")
                return True
            except Exception:  # noqa: BLE001 - the driver comes back some time after a node does.
                return False

        eventually(dropped, seconds=90, every=1)
