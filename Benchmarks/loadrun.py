"""One server and one load: starts both, waits, reads what the server used. Shared by compare.py and counts.py."""

import dataclasses
import json
import os
import pathlib
import random
import re
import resource
import shlex
import signal
import socket
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
TICKS = os.sysconf("SC_CLK_TCK")
PIPELINE = """
init = function(args)
    local requests = {}
    for i = 1, tonumber(args[1]) do requests[i] = wrk.format("GET") end
    request_bytes = table.concat(requests)
end
request = function() return request_bytes end
"""


def end_cleanly():
    """Ends by SIGTERM like by Ctrl-C: servers that were started are ended first."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


class Failed(Exception):
    """A run that says nothing: the server or the load did not do its work."""


@dataclasses.dataclass(frozen=True)
class Scenario:
    name: str
    work: str
    bar: str
    load: str

    @property
    def is_http(self):
        return self.load.startswith("wrk")

    @property
    def is_idle(self):
        return self.load.startswith("idle")

    @property
    def is_tls(self):
        return "--tls" in self.load

    @property
    def limit(self):
        return float(re.match(r"[\d.]+", self.bar)[0])


def scenarios():
    lines = (HERE / "bars.txt").read_text().splitlines()
    return [Scenario(*(part.strip() for part in line.split("|"))) for line in lines if line and line[0] != "#"]


def free_port():
    """Below the range from which outgoing connections take theirs."""
    while True:
        port = random.randrange(12000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


def busy_seconds():
    """CPU seconds that the whole machine has used since it started."""
    fields = [int(field) for field in open("/proc/stat").readline().split()[1:9]]
    user, nice, system, _idle, _iowait, irq, softirq, _steal = fields
    return (user + nice + system + irq + softirq) / TICKS


def process_tree(pid):
    found = [pid]
    for task in os.listdir(f"/proc/{pid}/task"):
        for child in open(f"/proc/{pid}/task/{task}/children").read().split():
            found += process_tree(int(child))
    return found


def cpu_seconds(pids):
    """User and system time of living processes, in ticks of the kernel."""
    total = 0
    for pid in pids:
        fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


class Server:
    """A server process, ready to be asked, for the time of a `with` block."""

    def __init__(self, command, cpus, environment=None):
        self.port = free_port()
        arguments = shlex.split(command.format(port=self.port))
        # A session of its own: what it starts ends with it, and nothing else does.
        self.process = subprocess.Popen(
            (["taskset", "-c", cpus] if cpus else []) + arguments,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **(environment or {})},
            start_new_session=True,
        )

    def __enter__(self):
        try:
            return self.wait()
        except BaseException:
            self.__exit__()
            raise

    def wait(self):
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), 0.5).close()
                time.sleep(0.1)
                self.pids = process_tree(self.process.pid)
                return self
            except OSError:
                time.sleep(0.05)
        raise Failed("the server does not start")

    def __exit__(self, *_):
        for ask, patience in ((signal.SIGTERM, 5), (signal.SIGKILL, 5)):
            try:
                os.killpg(self.process.pid, ask)
                self.process.wait(patience)
                return
            except ProcessLookupError:
                self.process.wait(patience)
                return
            except subprocess.TimeoutExpired:
                continue


def load_command(scenario, server, tools, scratch, cpu, seconds, warmup=0.5, extra=()):
    pids = ",".join(str(pid) for pid in server.pids)
    if not scenario.is_http:
        command = [f"{tools}/wsload", *shlex.split(scenario.load), "--port", str(server.port), "--pid", pids]
        command += ["--warmup", str(warmup), "--duration", str(seconds), *extra]
        return command + (["--cpu", str(cpu)] if cpu is not None else [])
    depth = scenario.load.split()[1]
    url = f"http://127.0.0.1:{server.port}/hello"
    # An answer that comes late is no failure: under strace, or on a busy machine, a pipeline can take seconds.
    wrk = ["wrk", "-t", "1", "-c", "64", "--timeout", "20s", "-d", f"{max(1, round(seconds))}s", url]
    if depth != "1":
        script = pathlib.Path(scratch) / "pipeline.lua"
        script.write_text(PIPELINE)
        wrk += ["-s", str(script), "--", depth]
    pinned = ["taskset", "-c", str(cpu)] if cpu is not None else []
    return [f"{tools}/wsload", "run", "--pid", pids, "--", *pinned, *wrk]


def run_load(scenario, server, command):
    """Runs the load to its end: cost per unit (ns of CPU, or resident bytes), units, and other processes' CPU in cores."""
    busy, served, used = busy_seconds(), cpu_seconds(server.pids), resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.monotonic()
    result = subprocess.run(command, capture_output=True, text=True, timeout=300)
    wall = time.monotonic() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    own = cpu_seconds(server.pids) - served + after.ru_utime + after.ru_stime - used.ru_utime - used.ru_stime
    foreign = max(0.0, (busy_seconds() - busy - own) / wall)
    lines = [line for line in result.stdout.splitlines() if line.startswith("{")]
    if not lines:
        raise Failed(result.stderr.strip()[-200:] or "the load says nothing")
    report = json.loads(lines[-1])
    if scenario.is_http:
        wrong = re.search(r"Non-2xx.*|Socket errors.*", result.stdout)
        if wrong:
            raise Failed(wrong[0])
        units = int(re.search(r"(\d+) requests in", result.stdout)[1])
        if units == 0:
            raise Failed("no request was answered")
        cost = report["srv_cpu"] / units * 1e9
    elif scenario.is_idle:
        units, cost = report["conns"], report["rss_per_conn"]
    elif report["mode"] == "churn":
        units, cost = report["conn_s"], report["srv_cpu_us"] * 1000
    else:
        units, cost = report["deliv_total"], report["srv_cpu_ns"]
    if result.returncode != 0:
        raise Failed("not intact: " + result.stderr.strip().splitlines()[-1][:200])
    return {"cost": cost, "units": units, "foreign": round(foreign, 3), "report": report}
