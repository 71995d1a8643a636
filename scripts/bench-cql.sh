#!/usr/bin/env bash
# Measures the CQL client beside the DataStax Python driver: CPU of the client per operation, on one Cassandra node.
#
# Then raises what is in flight until the node does no more, and tells who the limit is (SATURATE= leaves that out).
#
# TIMINGLE_TEST_CQL (host:port), where set, takes the place of a private node, whose CPU is not measured then. REPS and COUNT
# say how long; CHECK=1 fails when ours takes more than a tenth.
set -euo pipefail

# shellcheck source=scripts/lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
# shellcheck source=scripts/lib/install.sh
. "$ROOT/scripts/lib/install.sh"

require_swift
cd "$ROOT"
lock_state "$STATE_ROOT/bench-cql" "make bench-cql"
install_venv

node=
if [ -z "${TIMINGLE_TEST_CQL:-}" ]; then
    scripts/cassandra.sh find >/dev/null || die "there is no Cassandra to measure with"
    trap 'scripts/cassandra.sh reset bench-cql 9>&- || true' EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    scripts/cassandra.sh start bench-cql 9>&-
    eval "$(scripts/cassandra.sh env bench-cql)"
    TIMINGLE_TEST_CQL="${SCYLLA_HOSTS%%,*}:$SCYLLA_PORT"
    read -r node _ <"$STATE_ROOT/bench-cql/cassandra/node-1/pid" || true
fi

say "Building"
swift build --configuration release --product CQLBench >&2
client="$(swift build --configuration release --product CQLBench --show-bin-path)/CQLBench"

code=0
say "Measuring"
"$VENV/bin/python" Benchmarks/cql/compare.py --client "$client" --python "$VENV/bin/python" \
    --driver Benchmarks/cql/driver.py --host "$TIMINGLE_TEST_CQL" --reps "${REPS:-3}" --count "${COUNT:-20000}" \
    ${CHECK:+--check} || code=$?

if [ -n "$node" ] && [ -n "${SATURATE-1}" ]; then
    say "Raising what is in flight"
    "$VENV/bin/python" Benchmarks/cql/saturate.py --client "$client" --host "$TIMINGLE_TEST_CQL" --node-pid "$node" \
        --count "${COUNT:-20000}"
fi
exit "$code"
