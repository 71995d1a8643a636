#!/usr/bin/env python3
"""The bare listener side by side with the ceiling and with rivals: one Markdown table, a line a scenario.

Every run has a fresh server on its own core and a load on another. The order within a repetition is random, a ratio is
the median of the repetitions' ratios, and runs that other processes disturbed are left out while three better ones are there.
"""

import argparse
import json
import os
import pathlib
import platform
import random
import statistics
import subprocess
import sys
import tempfile

from loadrun import Failed, Server, end_cleanly, load_command, run_load, scenarios

BASE = "wsceil"
OURS = ("1 loop", "2 loops")
# Of a core. What a run costs moves by about as much as others take.
DISTURBED = 0.15


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--listener", required=True, help="the release build of BareListener")
    parser.add_argument("--tools", required=True, help="directory of wsload and wsceil")
    parser.add_argument("--rivals", help="directory with one program a rival")
    parser.add_argument("--only-rivals", default="", help="names, or none")
    parser.add_argument("--scenarios", default="", help="names from bars.txt; all when empty")
    parser.add_argument("--reps", type=int, default=5)
    parser.add_argument("--rival-reps", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--json", help="append each run to this file")
    parser.add_argument("--check", action="store_true", help="exit with 1 when a bar is missed")
    return parser.parse_args()


def certificate(directory):
    """A key and a certificate for loopback: their two paths."""
    paths = f"{directory}/certificate.pem", f"{directory}/key.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost"
    subprocess.run([*command.split(), "-out", paths[0], "-keyout", paths[1]], check=True, capture_output=True)
    return paths


class Comparison:
    def __init__(self, options, scratch):
        self.options, self.scratch = options, scratch
        cpus = sorted(os.sched_getaffinity(0))
        self.load_cpu, self.cpu, self.two_cpus = cpus[-1], str(cpus[0]), ",".join(map(str, cpus[:2]))
        self.chain, self.key = certificate(scratch)
        self.rivals = []
        if options.rivals and options.only_rivals != "none":
            wanted = options.only_rivals.split(",") if options.only_rivals else None
            there = sorted(path.name for path in pathlib.Path(options.rivals).iterdir() if os.access(path, os.X_OK))
            self.rivals = [name for name in there if wanted is None or name in wanted]
        self.runs, self.failures = {}, {}

    def command(self, peer, scenario):
        """How to start the peer and on which cores, or nothing when the scenario is not for it."""
        if peer in OURS:
            loops = peer.split()[0]
            secure = f" --tls {self.chain} {self.key}" if scenario.is_tls else ""
            line = f"{self.options.listener} --port {{port}} --loops {loops}{secure}"
            return line, self.two_cpus if loops == "2" else self.cpu
        if scenario.is_tls or (peer == "nginx" and not scenario.is_http):
            return None
        if peer == BASE:
            return f"{self.options.tools}/wsceil -p {{port}}", self.cpu
        return f"{self.options.rivals}/{peer} {{port}}", self.cpu

    def run(self, chosen):
        for repetition in range(self.options.reps):
            peers = [BASE, *OURS, *(self.rivals if repetition < self.options.rival_reps else [])]
            for scenario in chosen:
                random.shuffle(peers)
                for peer in peers:
                    self.run_once(scenario, peer, repetition)

    def run_once(self, scenario, peer, repetition):
        start = self.command(peer, scenario)
        if start is None:
            return
        label = f"{scenario.name}, {peer}, repetition {repetition + 1}"
        try:
            with Server(*start, environment={"TMPDIR": self.scratch}) as server:
                load = load_command(
                    scenario, server, self.options.tools, self.scratch, self.load_cpu, self.options.seconds
                )
                result = run_load(scenario, server, load)
        except Failed as reason:
            self.failures.setdefault((scenario.name, peer), str(reason))
            print(f"{label}: FAILED: {reason}", file=sys.stderr)
            return
        print(f"{label}: {result['cost']:.0f} (foreign {result['foreign']:.2f})", file=sys.stderr)
        self.runs[scenario.name, peer, repetition] = result
        if self.options.json:
            with open(self.options.json, "a") as file:
                file.write(json.dumps({"scenario": scenario.name, "peer": peer, "rep": repetition, **result}) + "\n")

    def kept(self, name, peer):
        """The runs that count, by repetition."""
        runs = {key[2]: run for key, run in self.runs.items() if key[:2] == (name, peer)}
        calm = {repetition: run for repetition, run in runs.items() if run["foreign"] < DISTURBED}
        if len(calm) >= min(3, len(runs)):
            return calm
        return dict(sorted(runs.items(), key=lambda item: item[1]["foreign"])[:3])

    def cost(self, name, peer):
        return statistics.median(run["cost"] for run in self.kept(name, peer).values())

    def ratio(self, name, peer, base_name, base_peer):
        """Median over repetitions of what the peer costs relative to the base in the same repetition."""
        runs, base = self.kept(name, peer), self.kept(base_name, base_peer)
        pairs = [run["cost"] / base[repetition]["cost"] for repetition, run in runs.items() if repetition in base]
        if pairs:
            return statistics.median(pairs)
        return self.cost(name, peer) / self.cost(base_name, base_peer) if runs and base else None

    def cell(self, scenario, peer):
        """What the table says of the peer, and whether its bar is missed."""
        failed = self.failures.get((scenario.name, peer))
        if failed:
            return f"**failed: {failed}**", peer in OURS
        if not self.kept(scenario.name, peer):
            return "–", False
        cost = self.cost(scenario.name, peer)
        if scenario.is_idle:
            missed = peer in OURS and cost > scenario.limit
            return self.marked(f"{cost:.0f} B", missed), missed
        text = f"{cost / 1000:.2f} µs"
        own = scenario.bar.endswith("own")
        base = ("fan50", peer) if own else (scenario.name, BASE)
        relative = None if peer == BASE else self.ratio(scenario.name, peer, *base)
        if relative is None:
            return text, False
        # As it is printed, so that the table never contradicts its own mark.
        missed = peer in OURS and round(relative, 2) > scenario.limit
        return self.marked(f"{text} ({relative:.2f})", missed), missed

    @staticmethod
    def marked(text, missed):
        return f"**{text} ✗**" if missed else text

    def foreign(self, name):
        values = [run["foreign"] for peer in [BASE, *OURS] for run in self.kept(name, peer).values()]
        return f"{statistics.median(values):.2f}" if values else "–"

    def table(self, chosen):
        """The Markdown lines, and how many bars are missed."""
        head = ["work", "bar", BASE, *(f"ours, {name}" for name in OURS), *self.rivals, "foreign"]
        lines = ["| " + " | ".join(head) + " |", "|---|--:|" + "--:|" * (len(head) - 2)]
        count = 0
        for scenario in chosen:
            cells = [self.cell(scenario, peer) for peer in [BASE, *OURS, *self.rivals]]
            count += sum(missed for _, missed in cells)
            texts = [scenario.work, scenario.bar, *(text for text, _ in cells), self.foreign(scenario.name)]
            lines.append("| " + " | ".join(texts) + " |")
        return lines, count


def machine():
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")
    return f"{os.cpu_count()} x {model}, Linux {platform.release()}"


def main():
    options = arguments()
    end_cleanly()
    everything = scenarios()
    names = options.scenarios.split(",") if options.scenarios else [scenario.name for scenario in everything]
    unknown = set(names) - {scenario.name for scenario in everything}
    if unknown:
        sys.exit(f"no such scenario: {', '.join(sorted(unknown))}")
    if "wss" in names and "fan50" not in names:
        names.append("fan50")  # what it is compared with
    chosen = [scenario for scenario in everything if scenario.name in names]
    with tempfile.TemporaryDirectory() as scratch:
        comparison = Comparison(options, scratch)
        comparison.run(chosen)
        lines, missed = comparison.table(chosen)
    print("\n".join(lines))
    print(
        f"\nServer CPU per unit (delivery, connection or request) and, in brackets, relative to {BASE} in the same repetition;"
        f"\nidle: resident memory per connection. Medians of {options.reps} repetitions of {options.seconds:g} s"
        f" (rivals {min(options.reps, options.rival_reps)});"
        f"\n`foreign` is what other processes used meanwhile, in cores. {machine()}."
    )
    print(f"\n{missed} bars missed." if missed else "\nNo bar missed.")
    sys.exit(1 if missed and options.check else 0)


if __name__ == "__main__":
    main()
