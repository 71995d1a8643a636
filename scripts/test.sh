#!/usr/bin/env bash
# Runs the tests on real servers: scripts/test.sh all|unit|e2e.
#
# FILTER narrows the Swift tests, E2E holds pytest's arguments, SANITIZE is thread or address. The end-to-end tests run
# against the debug build, with RELEASE=1 against the release build, or against TIMINGLE_BINARY, which is not built.
# CQL=1 keeps their chat and history in Cassandra, CQL=secure in one that speaks TLS alone and wants a password. CQL_OUTAGE is
# how many seconds its node stays dead in the test of that. Where E2E names files of Tests/EndToEnd, only they are run.
# DATABASE_URL, REDIS_URL and NATS_URL, where set, take the place of private servers.
set -euo pipefail

# shellcheck source=scripts/lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
# shellcheck source=scripts/lib/install.sh
. "$ROOT/scripts/lib/install.sh"
# shellcheck source=scripts/lib/sanitize.sh
. "$ROOT/scripts/lib/sanitize.sh"
# shellcheck source=scripts/lib/watchdog.sh
. "$ROOT/scripts/lib/watchdog.sh"

what=${1:-all}
[[ $what =~ ^(all|unit|e2e)$ ]] || die "usage: scripts/test.sh all|unit|e2e"

require_swift
cd "$ROOT"
lock_state "$STATE_ROOT/test" "make test"
export TIMINGLE_STATE_LOCKED=test

# The process that starts Cassandra in the background; it takes seconds, and the build has them.
cassandra=
# Nothing but Swift suites that need no Cassandra may be wanted.
wants_cassandra() {
    case $what in
    e2e) [ -n "${CQL:-}" ] ;;
    unit) [ -z "${FILTER:-}" ] || [[ $FILTER =~ CQL|MessageStore|HistoryStore|HistoryRecorder|RoomViews ]] ;;
    all) true ;;
    esac
}

start_cassandra() {
    wants_cassandra || return 0
    if ! scripts/cassandra.sh find >/dev/null; then
        [ "$what" != e2e ] || die "CQL=1 needs Cassandra"
        left_out+=("what needs Cassandra: its suites, and chat and history in it")
        return 0
    fi
    scripts/cassandra.sh reset test
    scripts/cassandra.sh "$([ "${CQL:-}" = secure ] && echo secure || echo start)" test 9>&- &
    cassandra=$!
}

# Waits for it, and gives its address to the tests.
await_cassandra() {
    [ -n "$cassandra" ] || return 0
    local pid=$cassandra
    cassandra=
    wait "$pid" || die "Cassandra did not start: see .timingle/test/cassandra"
    eval "$(scripts/cassandra.sh env test)"
    export TIMINGLE_TEST_CQL="$SCYLLA_HOSTS:$SCYLLA_PORT"
    export TIMINGLE_E2E_CQL_CA=${SCYLLA_CA_FILE:-}
    unset SCYLLA_HOSTS SCYLLA_PORT SCYLLA_TLS SCYLLA_CA_FILE SCYLLA_USERNAME SCYLLA_PASSWORD
}

left_out=()

finish() {
    local code=$?
    trap - EXIT INT TERM HUP
    end_guarded
    [ -z "$cassandra" ] || wait "$cassandra" || true
    scripts/cassandra.sh stop test || true
    scripts/services.sh stop test || true
    # What failed may want to be looked at; what passed leaves nothing.
    [ "$code" -ne 0 ] || { scripts/services.sh reset test && scripts/cassandra.sh reset test; } || true
    exit "$code"
}
# Suites whose sockets have TLS on them when TIMINGLE_TEST_TRANSPORT says so; a suite is called like its file.
suites_of_both_transports() {
    grep -rlE 'useTestTransport\(\)|\.io\(\)' Tests/TimingleCoreTests | xargs -n 1 basename -s .swift | paste -s -d '|' -
}

trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

failed=()
if [ "$what" = all ]; then
    say "Style"
    scripts/lint.sh || failed+=("style")
fi

flags=()
case ${SANITIZE:-} in
'') ;;
thread | address)
    flags=(--sanitize "$SANITIZE" --scratch-path ".build/$SANITIZE")
    require_sanitizer "$SANITIZE"
    sanitizer_options
    ;;
*) die "SANITIZE is thread or address" ;;
esac

scripts/services.sh start test
start_cassandra
eval "$(scripts/services.sh env test)"
export TIMINGLE_TEST_DATABASE_URL=$DATABASE_URL TIMINGLE_TEST_REDIS_URL=$REDIS_URL TIMINGLE_TEST_NATS_URL=$NATS_URL
export TIMINGLE_TEST_REQUIRE_SERVICES=1
# The tests say what the server gets; nothing of ours may leak in.
unset DATABASE_URL REDIS_URL NATS_URL NATS_MONITOR_URL "${!SCYLLA_@}"

product=(--product timingle --configuration "$([ -n "${RELEASE:-}" ] && echo release || echo debug)")

say "Building"
[ "$what" = e2e ] || swift build --build-tests "${flags[@]}"
if [ "$what" != unit ] && [ -z "${TIMINGLE_BINARY:-}" ]; then
    swift build "${product[@]}"
    TIMINGLE_BINARY="$(swift build "${product[@]}" --show-bin-path)/timingle"
fi

await_cassandra

if [ "$what" != e2e ]; then
    say "Swift tests"
    preload=()
    # Ten times what they take.
    minutes=$([ -n "${SANITIZE:-}" ] && echo 120 || echo 30)
    [ "${SANITIZE:-}" != thread ] || preload=(env "LD_PRELOAD=$(thread_hints)")
    swift_tests=(within "$minutes" "${preload[@]}" swift test --skip-build --no-parallel "${flags[@]}")
    "${swift_tests[@]}" ${FILTER:+--filter "$FILTER"} ||
        failed+=("Swift tests")
    if [ -z "${FILTER:-}" ]; then
        say "Swift tests of the listener over TLS"
        TIMINGLE_TEST_TRANSPORT=tls "${swift_tests[@]}" --filter "$(suites_of_both_transports)" ||
            failed+=("Swift tests over TLS")
    fi
fi
if [ "$what" != unit ]; then
    export TIMINGLE_BINARY
    export TIMINGLE_E2E_CQL_OUTAGE=${CQL_OUTAGE:-10}
    say "End-to-end tests of $TIMINGLE_BINARY${CQL:+ with chat and history in Cassandra}"
    paths=(Tests/EndToEnd)
    [[ " ${E2E:-}" != *" Tests/EndToEnd/"* ]] || paths=()
    # shellcheck disable=SC2086
    TIMINGLE_E2E_TLS=${TLS:-} TIMINGLE_E2E_CQL=${CQL:+$TIMINGLE_TEST_CQL} \
        "$VENV/bin/python" -m pytest "${paths[@]}" ${E2E:-} || failed+=("end-to-end tests")
    if [ "$what" = all ]; then
        say "End-to-end tests over TLS"
        TIMINGLE_E2E_TLS=1 "$VENV/bin/python" -m pytest Tests/EndToEnd || failed+=("end-to-end tests over TLS")
        if [ -n "${TIMINGLE_TEST_CQL:-}" ]; then
            say "End-to-end tests with chat and history in Cassandra"
            TIMINGLE_E2E_CQL=$TIMINGLE_TEST_CQL "$VENV/bin/python" -m pytest \
                Tests/EndToEnd/test_{cql,spine,crash,faults}.py || failed+=("end-to-end tests with Cassandra")
        fi
    fi
fi

if [ "$what" = all ]; then
    say "Autobahn's functional cases"
    code=0
    scripts/autobahn.sh functional 9>&- || code=$?
    case $code in
    0) ;;
    3) left_out+=("Autobahn's cases, which need a Python 2.7") ;;
    *) failed+=("Autobahn") ;;
    esac
fi

if [ ${#failed[@]} -gt 0 ]; then
    (IFS=,; die "failed: ${failed[*]}")
    exit 1
fi
say "All passed"
for part in "${left_out[@]}"; do warn "left out: $part"; done
