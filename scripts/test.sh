#!/usr/bin/env bash
# Runs the tests on real servers: scripts/test.sh all|unit|e2e|secure.
#
# FILTER narrows the Swift tests, E2E holds pytest's arguments, SANITIZE is thread or address. The end-to-end tests run
# against the debug build, with RELEASE=1 against the release build, or against TIMINGLE_BINARY, which is not built.
# CQL=1 keeps their chat and history in Cassandra; CQL_OUTAGE is how many seconds its node stays dead in the test of that. Where
# E2E names files of Tests/EndToEnd, only they are run. `secure` is one stage of `all`: a Cassandra that speaks TLS alone and
# wants a password.
# DATABASE_URL, REDIS_URL and NATS_URL, where set, take the place of private servers.
set -euo pipefail

# shellcheck source=scripts/lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
# shellcheck source=scripts/lib/install.sh
. "$ROOT/scripts/lib/install.sh"
# shellcheck source=scripts/lib/sanitize.sh
. "$ROOT/scripts/lib/sanitize.sh"
# shellcheck source=scripts/lib/stages.sh
. "$ROOT/scripts/lib/stages.sh"
# shellcheck source=scripts/lib/watchdog.sh
. "$ROOT/scripts/lib/watchdog.sh"

what=${1:-all}
[[ $what =~ ^(all|unit|e2e|secure)$ ]] || die "usage: scripts/test.sh all|unit|e2e|secure"

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
    all | secure) true ;;
    esac
}

start_cassandra() {
    wants_cassandra || return 0
    if ! scripts/cassandra.sh find >/dev/null; then
        [ "$what" != e2e ] || die "CQL=1 needs Cassandra"
        [ "$what" != secure ] || die "there is nothing to test without Cassandra"
        left_out+=("what needs Cassandra: its suites, and chat and history in it, in plain text and with TLS and a password")
        return 0
    fi
    [ "$what" != secure ] || return 0
    scripts/cassandra.sh reset test
    scripts/cassandra.sh start test 9>&- &
    cassandra=$!
}

# node_of NAME: its host:port, and behind that the file of its authority where it speaks TLS.
node_of() (
    eval "$(scripts/cassandra.sh env "$1")"
    echo "$SCYLLA_HOSTS:$SCYLLA_PORT ${SCYLLA_CA_FILE:-}"
)

# Waits for it, and gives its address to the tests.
await_cassandra() {
    [ -n "$cassandra" ] || return 0
    local pid=$cassandra
    cassandra=
    wait "$pid" || die "Cassandra did not start: see .timingle/test/cassandra"
    read -r TIMINGLE_TEST_CQL < <(node_of test)
    export TIMINGLE_TEST_CQL
}

# secure_tests [PYTEST'S ARGUMENTS]: the server with a Cassandra that speaks TLS alone and wants a password.
secure_tests() {
    local address authority code=0
    # One node at a time: each has close to a gigabyte.
    scripts/cassandra.sh stop test
    scripts/cassandra.sh reset test-secure
    scripts/cassandra.sh secure test-secure 9>&- || return 1
    read -r address authority < <(node_of test-secure)
    TIMINGLE_E2E_CQL=$address TIMINGLE_E2E_CQL_CA=$authority TIMINGLE_E2E_CQL_NAME=test-secure \
        "$VENV/bin/python" -m pytest Tests/EndToEnd/test_cql_secure.py \
        Tests/EndToEnd/test_spine.py::test_two_people_talk_through_a_restart_and_everything_is_there_once_and_in_order \
        "$@" || code=$?
    scripts/cassandra.sh stop test-secure
    return "$code"
}

left_out=()

finish() {
    local code=$?
    trap - EXIT INT TERM HUP
    end_guarded
    [ -z "$cassandra" ] || wait "$cassandra" || true
    scripts/cassandra.sh stop test || true
    scripts/cassandra.sh stop test-secure || true
    scripts/services.sh stop test || true
    # What failed may want to be looked at; what passed leaves nothing.
    [ "$code" -ne 0 ] ||
        { scripts/services.sh reset test && scripts/cassandra.sh reset test && scripts/cassandra.sh reset test-secure; } || true
    exit "$code"
}
# Suites whose sockets have TLS on them when TIMINGLE_TEST_TRANSPORT says so; a suite is called like its file.
suites_of_both_transports() {
    grep -rlE 'useTestTransport\(\)|\.io\(\)' Tests/TimingleCoreTests | xargs -n 1 basename -s .swift | paste -s -d '|' -
}

trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

[ "$what" != all ] || stage "Style" scripts/lint.sh

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
[[ $what =~ ^(e2e|secure)$ ]] || swift build --build-tests "${flags[@]}"
if [ "$what" != unit ] && [ -z "${TIMINGLE_BINARY:-}" ]; then
    swift build "${product[@]}"
    TIMINGLE_BINARY="$(swift build "${product[@]}" --show-bin-path)/timingle"
fi

await_cassandra

if [[ $what =~ ^(all|unit)$ ]]; then
    preload=()
    # Ten times what they take.
    minutes=$([ -n "${SANITIZE:-}" ] && echo 120 || echo 30)
    [ "${SANITIZE:-}" != thread ] || preload=("LD_PRELOAD=$(thread_hints)")
    swift_tests=(swift test --skip-build --no-parallel "${flags[@]}")
    stage "Swift tests" within "$minutes" env "${preload[@]}" "${swift_tests[@]}" ${FILTER:+--filter "$FILTER"}
    [ -n "${FILTER:-}" ] ||
        stage "Swift tests of the listener over TLS" within "$minutes" env "${preload[@]}" \
            TIMINGLE_TEST_TRANSPORT=tls "${swift_tests[@]}" --filter "$(suites_of_both_transports)"
fi
export TIMINGLE_BINARY
pytest=("$VENV/bin/python" -m pytest)
# Its output goes through a pipe.
[ ! -t 1 ] || pytest+=(--color=yes)
if [[ $what =~ ^(all|e2e)$ ]]; then
    export TIMINGLE_E2E_CQL_OUTAGE=${CQL_OUTAGE:-10}
    paths=(Tests/EndToEnd)
    [[ " ${E2E:-}" != *" Tests/EndToEnd/"* ]] || paths=()
    # shellcheck disable=SC2086
    stage "End-to-end tests${CQL:+ with chat and history in Cassandra}" \
        env TIMINGLE_E2E_TLS="${TLS:-}" TIMINGLE_E2E_CQL="${CQL:+$TIMINGLE_TEST_CQL}" "${pytest[@]}" "${paths[@]}" ${E2E:-}
fi
if [ "$what" = all ]; then
    stage "End-to-end tests over TLS" env TIMINGLE_E2E_TLS=1 "${pytest[@]}" Tests/EndToEnd
    if [ -n "${TIMINGLE_TEST_CQL:-}" ]; then
        stage "End-to-end tests with Cassandra" env TIMINGLE_E2E_CQL="$TIMINGLE_TEST_CQL" "${pytest[@]}" \
            Tests/EndToEnd/test_{cql,spine,crash,faults}.py
    fi
fi

if [ "$what" = secure ] || { [ "$what" = all ] && scripts/cassandra.sh find >/dev/null 2>&1; }; then
    extra=()
    # shellcheck disable=SC2206
    [ "$what" = all ] || extra=(${E2E:-})
    stage "End-to-end tests with a Cassandra that speaks TLS alone and wants a password" secure_tests "${extra[@]}"
fi

# Its 3 says that it can't be run here.
functional_autobahn() {
    local code=0
    scripts/autobahn.sh functional 9>&- || code=$?
    [ "$code" -ne 3 ] || left_out+=("Autobahn's cases, which need a Python 2.7")
    [ "$code" -eq 3 ] || return "$code"
}
[ "$what" != all ] || stage "Autobahn's functional cases" functional_autobahn

verdict || exit 1
say "All passed"
for part in "${left_out[@]}"; do warn "left out: $part"; done
