"""Raises what is in flight until one node does no more, and tells who the limit is: the client's process or the node's."""

import argparse
import json
import subprocess

parser = argparse.ArgumentParser()
parser.add_argument("--client", required=True)
parser.add_argument("--host", required=True)
parser.add_argument("--node-pid", type=int, required=True)
parser.add_argument("--count", type=int, default=20_000)
parser.add_argument("--in-flight", default="1,4,16,64,256,1024")
parser.add_argument("--loops", type=int, default=1)
options = parser.parse_args()

print(f"{'':8} {'in flight':>9} {'/s':>7} {'client us':>10} {'node us':>9} {'client':>8} {'node':>6} {'others':>7}  (cores)")
for in_flight in map(int, options.in_flight.split(",")):
    # A few in flight are slow: seconds, not minutes.
    count = options.count if in_flight >= 64 else options.count // 4
    command = [options.client, options.host, "--count", str(count), "--in-flight", str(in_flight)]
    command += ["--loops", str(options.loops), "--node-pid", str(options.node_pid)]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    for result in map(json.loads, lines):
        rate = result["count"] / result["seconds"]
        client, node = rate * result["cpu_us"] / 1e6, rate * result["node_us"] / 1e6
        others = rate * result["machine_us"] / 1e6 - client - node
        print(
            f"{result['kind']:8} {in_flight:9} {rate:7.0f} {result['cpu_us']:10.1f} {result['node_us']:9.1f}"
            f" {client:8.2f} {node:6.2f} {others:7.2f}",
            flush=True,
        )
