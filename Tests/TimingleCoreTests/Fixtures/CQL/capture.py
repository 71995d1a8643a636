#!/usr/bin/env python3
"""Keeps what a real server answers: capture.py HOST PORT [USER PASSWORD], for a node with a PasswordAuthenticator.

Speaks the native protocol v4 by hand and writes each answer, frame by frame, beside this file: NAME.bin holds the whole
frame. Run it against an empty node; it makes and drops a keyspace of its own.
"""
import os
import socket
import struct
import sys

HOST, PORT = sys.argv[1], int(sys.argv[2])
USER, PASSWORD = (sys.argv[3:5] + ["cassandra", "cassandra"])[:2] if len(sys.argv) > 3 else ("cassandra", "cassandra")
HERE = os.path.dirname(os.path.abspath(__file__))
OPTIONS, STARTUP, AUTH, QUERY, PREPARE, EXECUTE, REGISTER, BATCH = 5, 1, 15, 7, 9, 10, 11, 13
ONE, QUORUM, ALL = 1, 4, 5


def text(value):
    raw = value.encode()
    return struct.pack(">H", len(raw)) + raw


def long_text(value):
    raw = value.encode()
    return struct.pack(">i", len(raw)) + raw


def blob(value):
    return struct.pack(">i", -1) if value is None else struct.pack(">i", len(value)) + value


def parameters(consistency=ONE, values=(), page=None, skip=False):
    flags = (1 if values else 0) | (2 if skip else 0) | (4 if page else 0)
    raw = struct.pack(">HB", consistency, flags)
    if values:
        raw += struct.pack(">H", len(values)) + b"".join(blob(value) for value in values)
    return raw + (struct.pack(">i", page) if page else b"")


class Connection:
    def __init__(self):
        self.socket = socket.create_connection((HOST, PORT))
        self.stream = 0

    def read(self, count):
        raw = b""
        while len(raw) < count:
            piece = self.socket.recv(count - len(raw))
            if not piece:
                raise EOFError
            raw += piece
        return raw

    def frame(self):
        head = self.read(9)
        return head + self.read(struct.unpack(">i", head[5:9])[0])

    def ask(self, opcode, body=b"", keep=None, flags=0, version=4):
        self.stream += 1
        self.socket.sendall(struct.pack(">BBhBi", version, flags, self.stream, opcode, len(body)) + body)
        answer = self.frame()
        if keep:
            with open(os.path.join(HERE, keep + ".bin"), "wb") as file:
                file.write(answer)
        return answer

    def query(self, cql, keep=None, flags=0, **more):
        return self.ask(QUERY, long_text(cql) + parameters(**more), keep, flags)

    def prepare(self, cql, keep=None):
        answer = self.ask(PREPARE, long_text(cql), keep)
        count = struct.unpack(">H", answer[13:15])[0]
        return answer[15 : 15 + count]

    def execute(self, prepared, keep=None, **more):
        return self.ask(EXECUTE, struct.pack(">H", len(prepared)) + prepared + parameters(**more), keep)

    def start(self, password=PASSWORD, keep=None):
        self.ask(STARTUP, struct.pack(">H", 1) + text("CQL_VERSION") + text("3.0.0"), "authenticate")
        return self.ask(AUTH, blob(b"\0" + USER.encode() + b"\0" + password.encode()), keep)


ALL_TYPES = """CREATE TABLE captured.everything (id int PRIMARY KEY, a ascii, b bigint, c blob, d boolean, e decimal, f double,
g float, h inet, i smallint, j text, k time, l timestamp, m timeuuid, n tinyint, o uuid, p varint, q date, r duration,
s list<int>, t set<text>, u map<text, bigint>, v tuple<int, text>, w captured.place, x list<frozen<map<int, text>>>,
y inet, z text)"""
ROW = """INSERT INTO captured.everything (id, a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x, y)
VALUES (1, 'ascii', -2, 0xCAFE, true, -12.345, 0.5, -1.25, '127.0.0.1', 300, '채팅', '23:59:59.999999999',
1700000000123, 50554d6e-29bb-11e5-b345-feff819cdc9f, -128, 123e4567-e89b-42d3-a456-426614174000,
-123456789012345678901234567890, '2026-11-28', 1mo2d3ns, [1, -1], {'a', 'b'}, {'x': 1, 'y': 9223372036854775807},
(7, null), {street: 'Seoul', number: 3}, [{1: 'one'}, {2: 'two', 3: 'three'}], '2001:db8::1')"""


def main():
    refused = Connection()
    refused.start("wrong", "error-bad-credentials")
    other = Connection()
    other.ask(OPTIONS, b"", "error-protocol-version", version=66)
    asker = Connection()
    asker.ask(OPTIONS, b"", "supported")
    asker.start(keep="auth-success")
    asker.query("DROP KEYSPACE IF EXISTS captured")
    watcher = Connection()
    watcher.start()
    watcher.ask(REGISTER, struct.pack(">H", 1) + text("SCHEMA_CHANGE"), "ready")
    replication = "{'class': 'SimpleStrategy', 'replication_factor': %d}"
    asker.query("CREATE KEYSPACE captured WITH replication = " + replication % 1, "schema-change-keyspace")
    with open(os.path.join(HERE, "event-schema-keyspace.bin"), "wb") as file:
        file.write(watcher.frame())
    asker.query("CREATE KEYSPACE captured WITH replication = " + replication % 1, "error-keyspace-exists")
    asker.query("USE captured", "set-keyspace")
    asker.query("CREATE TYPE captured.place (street text, number int, note text)", "schema-change-type")
    with open(os.path.join(HERE, "event-schema-type.bin"), "wb") as file:
        file.write(watcher.frame())
    asker.query(ALL_TYPES, "schema-change-table")
    asker.query(ALL_TYPES, "error-table-exists")
    asker.query(ROW, "void")
    asker.query("INSERT INTO captured.everything (id) VALUES (2)")
    asker.query("SELECT id, a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x, y, z"
                " FROM captured.everything", "rows-all-types")
    asker.query("CREATE TABLE captured.messages (room uuid, day int, seq bigint, body text, PRIMARY KEY ((room, day), seq))")
    insert = asker.prepare("INSERT INTO captured.messages (seq, body, day, room) VALUES (?, ?, ?, ?)", "prepared-insert")
    room = bytes(range(16))
    for number in range(5):
        values = [struct.pack(">q", number), ("message %d" % number).encode(), struct.pack(">i", 9), room]
        asker.execute(insert, values=values)
    select = asker.prepare("SELECT seq, body FROM captured.messages WHERE room = ? AND day = ?", "prepared-select")
    key = [room, struct.pack(">i", 9)]
    asker.execute(select, "rows-first-page", values=key, page=3)
    asker.execute(select, "rows-whole", values=key)
    asker.execute(select, "rows-without-metadata", values=key, skip=True)
    asker.execute(select, "rows-none", values=[room, struct.pack(">i", 10)])
    where = " WHERE room = 00010203-0405-0607-0809-0a0b0c0d0e0f AND day = 9 AND seq = 1 IF body = '%s'"
    asker.query("UPDATE captured.messages SET body = 'x'" + where % "message 1", "rows-applied", consistency=QUORUM)
    asker.query("UPDATE captured.messages SET body = 'x'" + where % "message 1", "rows-not-applied", consistency=QUORUM)
    asker.query("SELECT count(*) FROM captured.messages", "rows-with-warning")
    asker.query("SELECT seq FROM captured.messages WHERE room = 00010203-0405-0607-0809-0a0b0c0d0e0f AND day = 9 LIMIT 1",
                "rows-traced", flags=2)
    asker.query("CREATE TABLE captured.counts (id int PRIMARY KEY, total counter)")
    asker.query("UPDATE captured.counts SET total = total + 3 WHERE id = 1")
    asker.query("SELECT total FROM captured.counts WHERE id = 1", "rows-counter")
    asker.query("SELEC", "error-syntax")
    asker.query("SELECT nothing FROM captured.counts", "error-invalid")
    asker.execute(b"0123456789abcdef", "error-unprepared")
    asker.query("CREATE ROLE reader WITH PASSWORD = 'reader' AND LOGIN = true")
    reader = Connection()
    reader.ask(STARTUP, struct.pack(">H", 1) + text("CQL_VERSION") + text("3.0.0"))
    reader.ask(AUTH, blob(b"\0reader\0reader"))
    reader.query("CREATE ROLE other", "error-unauthorized")
    asker.query("DROP ROLE reader")
    asker.query("CREATE KEYSPACE captured3 WITH replication = " + replication % 3)
    asker.query("CREATE TABLE captured3.one (id int PRIMARY KEY)")
    asker.query("SELECT * FROM captured3.one WHERE id = 1", "error-unavailable", consistency=QUORUM)
    asker.query("DROP KEYSPACE captured3")
    asker.query("DROP KEYSPACE captured", "schema-change-dropped")


main()
