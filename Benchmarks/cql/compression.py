"""Whether LZ4 would pay for the CQL client: the frames' bodies as they go over the wire, compressed by liblz4 itself.

compression.py host:port inserts rows of 250 bytes and reads pages of 50 through a proxy that keeps the bodies of EXECUTE and
RESULT, builds lz4cost.c and has it compress and expand each: CPU per frame and bytes that are left. Needs cc and liblz4.so.1.
"""

import pathlib
import random
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import uuid

from cassandra.cluster import Cluster

HERE = pathlib.Path(__file__).parent
EXECUTE, RESULT = 0x0A, 0x08
WORDS = (
    "오늘 저녁 일곱 시에 강남역 앞에서 만나자 내일은 비가 온다고 하니 우산을 가져와 회의 자료는 메일로 보냈어 확인 부탁해 "
    "점심은 뭐 먹을까 약속 시간을 삼십 분만 늦출 수 있을까 주차장은 지하에 있어요 네 알겠습니다 감사합니다 "
    "see you at the station in ten minutes I am running late sorry could we move it to Friday the table is booked for six "
    "thanks great idea where exactly second floor next to the book shop call me when you are there"
).split()


def sentence(random_: random.Random, size: int) -> str:
    text = ""
    while len(text.encode()) < size:
        text += random_.choice(WORDS) + " "
    return text.encode()[:size].decode(errors="ignore")


class Recorder:
    """A proxy for one node that keeps bodies of frames, both ways."""

    def __init__(self, host: str, port: int):
        self.target = (host, port)
        self.bodies = {EXECUTE: [], RESULT: []}
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self) -> None:
        while True:
            client, _ = self.listener.accept()
            node = socket.create_connection(self.target)
            for source, target in ((client, node), (node, client)):
                threading.Thread(target=self.carry, args=(source, target), daemon=True).start()

    def carry(self, source: socket.socket, target: socket.socket) -> None:
        with source, target, source.makefile("rb") as reader:
            while len(head := reader.read(9)) == 9:
                opcode, length = head[4], struct.unpack(">I", head[5:])[0]
                body = reader.read(length)
                if opcode in self.bodies:
                    self.bodies[opcode].append(body)
                target.sendall(head + body)

    def take(self, opcode: int, at_least: int) -> list[bytes]:
        bodies = [body for body in self.bodies[opcode] if len(body) >= at_least]
        self.bodies = {EXECUTE: [], RESULT: []}
        return bodies


def main() -> None:
    host, port = sys.argv[1].rsplit(":", 1)
    recorder = Recorder(host, int(port))
    cluster = Cluster(["127.0.0.1"], port=recorder.port, protocol_version=4, compression=False)
    session = cluster.connect()
    session.execute(
        "CREATE KEYSPACE IF NOT EXISTS timingle_lz4 WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}"
    )
    session.execute(
        "CREATE TABLE IF NOT EXISTS timingle_lz4.messages"
        " (room bigint, seq bigint, id uuid, sender bigint, text text, PRIMARY KEY (room, seq))"
    )
    insert = session.prepare("INSERT INTO timingle_lz4.messages (room, seq, id, sender, text) VALUES (?, ?, ?, ?, ?)")
    select = session.prepare("SELECT room, seq, id, sender, text FROM timingle_lz4.messages WHERE room = ?")
    select.fetch_size = 50
    chance = random.Random(1)
    recorder.take(EXECUTE, 0)
    for room in range(20):
        for seq in range(50):
            identifier = uuid.UUID(int=chance.getrandbits(128))
            session.execute(insert, (room, seq, identifier, chance.randrange(1000), sentence(chance, 210)))
    frames = {"insert": recorder.take(EXECUTE, 200)}
    for room in range(20):
        session.execute(select, (room,))
    frames["page"] = recorder.take(RESULT, 5_000)
    session.execute("DROP KEYSPACE timingle_lz4")
    cluster.shutdown()

    with tempfile.TemporaryDirectory() as directory:
        program = pathlib.Path(directory) / "lz4cost"
        subprocess.run(["cc", "-O2", "-o", program, HERE / "lz4cost.c", "-l:liblz4.so.1"], check=True)
        for kind, bodies in frames.items():
            file = pathlib.Path(directory) / kind
            file.write_bytes(b"".join(struct.pack("=I", len(body)) + body for body in bodies))
            print(f"{kind:8} {subprocess.run([program, file], check=True, capture_output=True, text=True).stdout}", end="")


main()
