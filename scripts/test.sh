#!/usr/bin/env bash
# Runs the tests on real servers: scripts/test.sh all|unit|e2e.
#
# FILTER narrows the Swift tests, E2E holds pytest's arguments, SANITIZE is thread or address.
# DATABASE_URL, REDIS_URL and NATS_URL, where set, take the place of private servers.
set -euo pipefail

# shellcheck source=scripts/lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
# shellcheck source=scripts/lib/install.sh
. "$ROOT/scripts/lib/install.sh"

what=${1:-all}
[[ $what =~ ^(all|unit|e2e)$ ]] || die "usage: scripts/test.sh all|unit|e2e"

require_swift
cd "$ROOT"
lock_state "$STATE_ROOT/test" "make test"
export TIMINGLE_STATE_LOCKED=test

finish() {
    local code=$?
    trap - EXIT INT TERM HUP
    scripts/services.sh stop test || true
    # What failed may want to be looked at; what passed leaves nothing.
    [ "$code" -ne 0 ] || scripts/services.sh reset test || true
    exit "$code"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

scripts/services.sh start test
eval "$(scripts/services.sh env test)"
export TIMINGLE_TEST_DATABASE_URL=$DATABASE_URL TIMINGLE_TEST_REDIS_URL=$REDIS_URL TIMINGLE_TEST_NATS_URL=$NATS_URL
export TIMINGLE_TEST_REQUIRE_SERVICES=1
# The tests say what the server gets; nothing of ours may leak in.
unset DATABASE_URL REDIS_URL NATS_URL NATS_MONITOR_URL

flags=()
case ${SANITIZE:-} in
'') ;;
thread | address) flags=(--sanitize "$SANITIZE" --scratch-path ".build/$SANITIZE") ;;
*) die "SANITIZE is thread or address" ;;
esac

say "Building"
if [ "$what" = e2e ]; then
    swift build --product timingle
else
    swift build --build-tests "${flags[@]}"
fi

failed=()
if [ "$what" != e2e ]; then
    say "Swift tests"
    swift test --skip-build --no-parallel "${flags[@]}" ${FILTER:+--filter "$FILTER"} || failed+=("Swift tests")
fi
if [ "$what" != unit ]; then
    # Building the tests built the product too; this makes sure of it and is quick then.
    [ "$what" = e2e ] || swift build --product timingle
    TIMINGLE_BINARY="$(swift build --show-bin-path)/timingle"
    export TIMINGLE_BINARY
    say "End-to-end tests of $TIMINGLE_BINARY"
    # shellcheck disable=SC2086
    "$VENV/bin/python" -m pytest Tests/EndToEnd ${E2E:-} || failed+=("end-to-end tests")
fi

if [ ${#failed[@]} -gt 0 ]; then
    (IFS=,; die "failed: ${failed[*]}")
    exit 1
fi
say "All passed"
