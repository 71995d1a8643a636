#!/usr/bin/env bash
# Measures the listener: scripts/bench.sh table|counts.
#
# table compares the bare listener with a featureless hub in C and with rivals, by CPU per unit of work. REPS and DUR (seconds) say how long,
# SCENARIOS (names from Benchmarks/bars.txt) and RIVALS (names, or none) what; CHECK=1 fails when a bar is missed.
# counts takes system calls, allocations and instructions per unit.
set -euo pipefail

# shellcheck source=scripts/lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
# shellcheck source=scripts/lib/install.sh
. "$ROOT/scripts/lib/install.sh"

what=${1:-table}
[[ $what =~ ^(table|counts)$ ]] || die "usage: scripts/bench.sh table|counts"
require_swift
cd "$ROOT"
lock_state "$STATE_ROOT/bench" "make bench"
out="$ROOT/.build/bench"
mkdir -p "$out/tools"

missing=()
for program in gcc make openssl wrk python3; do have "$program" || missing+=("$program"); done
for package in libssl-dev zlib1g-dev pkg-config; do package_is_installed "$package" || missing+=("$package"); done
if [ "$what" = counts ]; then
    for program in strace valgrind; do have "$program" || missing+=("$program"); done
fi
[ ${#missing[@]} -eq 0 ] || apt_install "${missing[@]}"

say "Building"
swift build --configuration release --product BareListener >&2
listener="$(swift build --configuration release --product BareListener --show-bin-path)/BareListener"
make --silent -C Benchmarks/tools BIN="$out/tools" >&2

if [ "$what" = counts ]; then
    exec python3 Benchmarks/counts.py --listener "$listener" --tools "$out/tools" --seconds "${DUR:-1}"
fi

say "Are the tools right?"
Benchmarks/tools/selftest.sh "$out/tools" >"$out/selftest.log" || {
    cat "$out/selftest.log" >&2
    die "the load generator does not see what it should: nothing was measured"
}
[ "${RIVALS:-}" = none ] || Benchmarks/rivals/build.sh "$out/rivals" 9>&-

say "Measuring"
# Python keeps the lock, and gives it to none of its children.
exec python3 Benchmarks/compare.py --listener "$listener" --tools "$out/tools" --rivals "$out/rivals" \
    --only-rivals "${RIVALS:-}" --scenarios "${SCENARIOS:-}" --reps "${REPS:-5}" --seconds "${DUR:-2}" \
    --json "$out/runs.jsonl" ${CHECK:+--check}
