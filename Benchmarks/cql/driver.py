"""The same work as Benchmarks/CQLBench by the DataStax Python driver: driver.py host:port [--count N] [--in-flight 64]."""

import argparse
import json
import resource
import time
import uuid

from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile
from cassandra.concurrent import execute_concurrent_with_args
from cassandra.policies import DCAwareRoundRobinPolicy, TokenAwarePolicy

ROOMS = 64
TEXT = "x" * 210


def cpu_us():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return (usage.ru_utime + usage.ru_stime) * 1e6


def report(kind, count, body):
    cpu, begun = cpu_us(), time.monotonic()
    body()
    seconds = time.monotonic() - begun
    print(json.dumps({"kind": kind, "count": count, "seconds": seconds, "cpu_us": (cpu_us() - cpu) / count}), flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("host")
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--in-flight", type=int, default=64)
    parser.add_argument("--keyspace", default="timingle_bench")
    options = parser.parse_args()
    host, port = options.host.rsplit(":", 1)
    profile = ExecutionProfile(load_balancing_policy=TokenAwarePolicy(DCAwareRoundRobinPolicy()), request_timeout=30)
    cluster = Cluster([host], port=int(port), protocol_version=4, execution_profiles={EXEC_PROFILE_DEFAULT: profile})
    session = cluster.connect(options.keyspace)
    insert = session.prepare("INSERT INTO messages (room, seq, id, sender, text) VALUES (?, ?, ?, ?, ?)")
    select = session.prepare("SELECT room, seq, id, sender, text FROM messages WHERE room = ?")
    insert.consistency_level = select.consistency_level = 1
    select.fetch_size = 50
    session.default_fetch_size = 50

    def inserts(count):
        rows = (
            (n % ROOMS, n // ROOMS, uuid.UUID(int=(n << 80) | (7 << 76) | (1 << 63)), n, TEXT) for n in range(count)
        )
        for ok, result in execute_concurrent_with_args(
            session, insert, rows, concurrency=options.in_flight, results_generator=True
        ):
            assert ok, result

    def pages(count):
        rows = ((n % ROOMS,) for n in range(count))
        for ok, result in execute_concurrent_with_args(
            session, select, rows, concurrency=options.in_flight, results_generator=True
        ):
            assert ok and len(result.current_rows) == 50, result

    inserts(ROOMS * 200)
    pages(500)
    report("insert", options.count, lambda: inserts(options.count))
    report("page", max(1, options.count // 4), lambda: pages(max(1, options.count // 4)))
    cluster.shutdown()


main()
