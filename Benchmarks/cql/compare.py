"""Runs our client and the DataStax Python driver in turn against one node, and compares their CPU per operation."""

import argparse
import json
import statistics
import subprocess
import sys

parser = argparse.ArgumentParser()
parser.add_argument("--client", required=True)
parser.add_argument("--python", required=True)
parser.add_argument("--driver", required=True)
parser.add_argument("--host", required=True)
parser.add_argument("--reps", type=int, default=3)
parser.add_argument("--count", type=int, default=20_000)
parser.add_argument("--check", action="store_true")
options = parser.parse_args()

# Client CPU per operation: at most this share of the driver's.
BAR = 0.1


def run(command):
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    return {line["kind"]: line for line in map(json.loads, lines)}


def rate(result):
    return result["count"] / result["seconds"]


ours, theirs = [], []
for turn in range(options.reps):
    ours.append(run([options.client, options.host, "--count", str(options.count)]))
    theirs.append(run([options.python, options.driver, options.host, "--count", str(max(1000, options.count // 4))]))
    pairs = (f"{kind} {ours[-1][kind]['cpu_us']:.1f} and {theirs[-1][kind]['cpu_us']:.1f} us" for kind in ("insert", "page"))
    print(f"run {turn + 1} of {options.reps}: {', '.join(pairs)}", file=sys.stderr)

missed = []
print(f"{'':8} {'ours us':>9} {'driver us':>10} {'ratio':>7}   {'ours /s':>9} {'driver /s':>10}")
for kind in ("insert", "page"):
    mine = statistics.median(result[kind]["cpu_us"] for result in ours)
    his = statistics.median(result[kind]["cpu_us"] for result in theirs)
    my_rate = statistics.median(rate(result[kind]) for result in ours)
    his_rate = statistics.median(rate(result[kind]) for result in theirs)
    print(f"{kind:8} {mine:9.1f} {his:10.1f} {mine / his:7.3f}   {my_rate:9.0f} {his_rate:10.0f}")
    if mine / his > BAR:
        missed.append(kind)
if missed and options.check:
    sys.exit(f"missed the bar of {BAR}: {', '.join(missed)}")
