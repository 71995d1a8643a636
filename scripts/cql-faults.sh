#!/usr/bin/env bash
# Runs the CQL client against three Cassandra nodes of its own, which the tests kill, pause and revive.
#
# FILTER narrows the tests. Needs 2.5 GB and ten minutes.
set -euo pipefail

# shellcheck source=scripts/lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
# shellcheck source=scripts/lib/install.sh
. "$ROOT/scripts/lib/install.sh"

require_swift
cd "$ROOT"
lock_state "$STATE_ROOT/cql-faults" "make cql-faults"
TIMINGLE_CASSANDRA=$(scripts/cassandra.sh find) || die "there is no Cassandra to kill"
export TIMINGLE_CASSANDRA TIMINGLE_TEST_CQL_CLUSTER="$STATE_ROOT/cql-faults/cassandra"

say "Building"
swift build --build-tests

trap 'scripts/cassandra.sh reset cql-faults 9>&- || true' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
scripts/cassandra.sh start cql-faults --nodes 3 9>&-

say "Killing nodes"
swift test --skip-build --no-parallel --filter "${FILTER:-CQLClusterFaultTests}"
