"""The Cassandra node of `make e2e CQL=1`: one for the whole run, a keyspace for each world."""

from __future__ import annotations

import functools
import os
import ssl
import subprocess

from support.processes import ROOT, eventually


class Node:
    """The one node, to be killed and revived from outside."""

    def __init__(self) -> None:
        host, port = os.environ["TIMINGLE_E2E_CQL"].rsplit(":", 1)
        self.host = host
        self.port = int(port)
        # `make cql-secure`: whom to trust; the node wants a password, too.
        self.authority = os.environ.get("TIMINGLE_E2E_CQL_CA") or None

    @property
    def environment(self) -> dict[str, str]:
        """How the server gets there."""
        plain = {"SCYLLA_HOSTS": self.host, "SCYLLA_PORT": str(self.port)}
        if not self.authority:
            return plain
        credentials = {"SCYLLA_USERNAME": "cassandra", "SCYLLA_PASSWORD": "cassandra"}
        return {**plain, **credentials, "SCYLLA_TLS": "true", "SCYLLA_CA_FILE": self.authority}

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
        from cassandra.auth import PlainTextAuthProvider
        from cassandra.cluster import Cluster

        secure = {}
        if self.authority:
            secure["ssl_context"] = ssl.create_default_context(cafile=self.authority)
            secure["ssl_context"].check_hostname = False
            secure["auth_provider"] = PlainTextAuthProvider("cassandra", "cassandra")
        cluster = Cluster([self.host], port=self.port, connect_timeout=30, control_connection_timeout=30, **secure)
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
        self.environment = {**self.node.environment, "SCYLLA_KEYSPACE": name}

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
