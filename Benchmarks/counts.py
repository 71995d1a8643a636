#!/usr/bin/env python3
"""What a unit of work costs in system calls, allocations and instructions of user space: one Markdown table.

Each number is a slope: the load runs for a while and for three times as long, and the difference is divided by the
difference in units. So nothing of starting, connecting and closing is in it. Counts, unlike times, do not care what else the machine does.
"""

import argparse
import os
import pathlib
import re
import signal
import struct
import sys
import tempfile

from loadrun import Failed, Server, end_cleanly, load_command, run_load, scenarios

# Scenario and loops.
CASES = (
    ("fan50", 1),
    ("fan50", 2),
    ("burst", 1),
    ("pairs", 1),
    ("echo1", 1),
    ("echo16", 1),
    ("churn", 1),
    ("churn", 2),
    ("http1", 1),
    ("http16", 1),
)
COLUMNS = (("sends", 2), ("reads", 2), ("waits", 2), ("others", 2), ("allocations", 2), ("bytes", 0), ("instructions", 0))
ATTEMPTS = 3
SENDS = {"sendto", "sendmsg", "write", "writev"}
READS = {"recvfrom", "recvmsg", "read", "readv"}
WAITS = {"epoll_wait", "epoll_pwait", "epoll_pwait2"}


class Counter:
    """Runs the listener under a tool, with a load of a given length, and reads what the tool counted."""

    def __init__(self, options, scratch):
        self.options, self.scratch = options, scratch

    def run(self, scenario, loops, seconds, wrapper="", environment=None):
        line = f"{wrapper} {self.options.listener} --port {{port}} --loops {loops}"
        with Server(line, None, environment) as server:
            load = load_command(scenario, server, self.options.tools, self.scratch, None, seconds, warmup=0.1)
            result = run_load(scenario, server, load)
            if wrapper:
                # Only the listener itself: its tool then writes down what it has.
                os.kill(server.pids[-1], signal.SIGTERM)
                server.process.wait(30)
        units = result["units"] * (seconds if result["report"].get("mode") == "churn" else 1)
        return units

    def slope(self, measure, scenario, loops):
        """Counts per unit, by name."""
        for _ in range(ATTEMPTS):
            short, long = (measure(scenario, loops, self.options.seconds * factor) for factor in (1, 3))
            units = long[0] - short[0]
            # Less is a moment in which others had the machine.
            if units > short[0] / 4:
                break
        else:
            raise Failed("more time, but not more work")
        return {name: max(0, long[1].get(name, 0) - short[1].get(name, 0)) / units for name in long[1]}

    def system_calls(self, scenario, loops, seconds):
        path = pathlib.Path(self.scratch) / "strace"
        units = self.run(scenario, loops, seconds, f"strace -c -f -o {path}")
        counts = {}
        for line in path.read_text().splitlines():
            fields = line.split()
            if len(fields) >= 5 and fields[3].isdigit() and fields[-1] != "total":
                name = fields[-1]
                kind = next((k for k, s in (("sends", SENDS), ("reads", READS), ("waits", WAITS)) if name in s), "others")
                counts[kind] = counts.get(kind, 0) + int(fields[3])
        return units, {"sends": 0, "reads": 0, "waits": 0, "others": 0, **counts}

    def allocations(self, scenario, loops, seconds):
        path = pathlib.Path(self.scratch) / "allocations"
        path.unlink(missing_ok=True)
        preload = {"LD_PRELOAD": f"{self.options.tools}/libmalloccount.so", "MALLOCCOUNT": str(path)}
        units = self.run(scenario, loops, seconds, environment=preload)
        calls, size = struct.unpack("=QQ", path.read_bytes()[:16])
        return units, {"allocations": calls, "bytes": size}

    def instructions(self, scenario, loops, seconds):
        path = pathlib.Path(self.scratch) / "callgrind"
        units = self.run(scenario, loops, seconds, f"valgrind -q --tool=callgrind --callgrind-out-file={path}")
        return units, {"instructions": int(re.search(r"^(?:summary|totals): (\d+)", path.read_text(), re.M)[1])}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--listener", required=True, help="the release build of BareListener")
    parser.add_argument("--tools", required=True, help="directory of wsload and libmalloccount.so")
    parser.add_argument("--seconds", type=float, default=1)
    options = parser.parse_args()
    options.tools = os.path.abspath(options.tools)
    end_cleanly()
    known = {scenario.name: scenario for scenario in scenarios()}
    print("| work | loops | system calls | sends | reads | waits | others | allocations | bytes of them | instructions |")
    print("|---|" + "--:|" * 9)
    with tempfile.TemporaryDirectory() as scratch:
        counter = Counter(options, scratch)
        for name, loops in CASES:
            scenario, found = known[name], {}
            for measure in (counter.system_calls, counter.allocations, counter.instructions):
                try:
                    found.update(counter.slope(measure, scenario, loops))
                except (Failed, OSError) as reason:
                    print(f"{name}: {measure.__name__}: {reason}", file=sys.stderr)
            calls = sum(found[kind] for kind in ("sends", "reads", "waits", "others")) if "sends" in found else None
            cells = [f"{calls:.2f}" if calls is not None else "?"]
            for kind, digits in COLUMNS:
                cells.append(f"{found[kind]:.{digits}f}" if kind in found else "?")
            print(f"| {scenario.work} | {loops} | " + " | ".join(cells) + " |", flush=True)
    print("\nPer delivery, connection or request. `sends` holds the writes that wake another loop; instructions are of user space.")


if __name__ == "__main__":
    main()
