#!/usr/bin/env python3
"""Reads a report folder of Autobahn's fuzzing client: summary.py FOLDER STATUS.  Exits 1 unless every case is well.

A case has two verdicts: `behavior` (what was echoed) and `behaviorClose` (how the connection ended).  Well is OK or
INFORMATIONAL for both.  NON-STRICT is not well, and UNIMPLEMENTED, which means that nothing was tested, neither.
STATUS is the client's exit status.
"""

from __future__ import annotations

import json
import pathlib
import re
import sys

WELL = {"OK", "INFORMATIONAL"}


def main(folder: pathlib.Path, status: int) -> int:
    try:
        agents = json.loads((folder / "index.json").read_text())
    except FileNotFoundError:
        print("no report was written")
        return 1
    asked = re.search(r"will run (\d+) test cases", (folder / "wstest.log").read_text())
    cases = [(name, case) for agent in agents.values() for name, case in agent.items()]
    cases.sort(key=lambda case: [int(part) for part in case[0].split(".")])
    bad = [(name, case) for name, case in cases if not {case["behavior"], case["behaviorClose"]} <= WELL]
    missing = int(asked.group(1)) - len(cases) if asked else len(cases) == 0
    print(f"{len(cases) - len(bad)} of {len(cases)} cases are well" + (f", {missing} did not run" if missing else ""))
    for name, case in bad:
        code = case.get("remoteCloseCode")
        print(f"  {name}: behaviour {case['behavior']}, close {case['behaviorClose']}, close code {code}")
    slowest = sorted(((case.get("duration") or 0, name) for name, case in cases), reverse=True)[:5]
    print("  slowest: " + ", ".join(f"{name} {milliseconds} ms" for milliseconds, name in slowest))
    return 1 if bad or missing or status or not cases else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1]), int(sys.argv[2])))
