#!/usr/bin/env bash
# The demo: installs what is missing, starts services, migrates, serves, seeds, says what to try.
#
# PORT chooses the port; RELEASE=1 builds with optimisation; CQL=1 keeps chat and history in a private Cassandra.
# DATABASE_URL, REDIS_URL, NATS_URL and SCYLLA_HOSTS, where set, take the place of private servers. Ctrl-C stops everything
# that this started; data stays until `make reset`.
set -euo pipefail

# shellcheck source=scripts/lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
# shellcheck source=scripts/lib/install.sh
. "$ROOT/scripts/lib/install.sh"

require_swift
cd "$ROOT"
STATE="$STATE_ROOT/run"
lock_state "$STATE" "make run"
export TIMINGLE_STATE_LOCKED=run

tail_pid=
finish() {
    local code=$?
    trap - EXIT INT TERM HUP
    [ -z "$tail_pid" ] || kill "$tail_pid" 2>/dev/null || true
    say "Stopping"
    stop_daemon "$STATE/server.pid" "the server" TERM 30
    [ -z "${CQL:-}" ] || scripts/cassandra.sh stop run || true
    scripts/services.sh stop run || true
    exit "$code"
}
trap finish EXIT
trap 'exit 0' INT
trap 'exit 143' TERM HUP

# A run that was killed may have left its server behind.
stop_daemon "$STATE/server.pid" "the server of a killed run" TERM 30
if [ -n "${SCYLLA_HOSTS:-}" ]; then CQL=; fi
if [ -n "${CQL:-}" ]; then
    scripts/cassandra.sh find >/dev/null || die "CQL=1 needs Cassandra"
    scripts/cassandra.sh start run 9>&- &
fi
scripts/services.sh start run
eval "$(scripts/services.sh env run)"
if [ -n "${CQL:-}" ]; then
    wait $! || die "Cassandra did not start: see .timingle/run/cassandra"
    eval "$(scripts/cassandra.sh env run)"
fi
binary=$(scripts/build.sh "$([ -n "${RELEASE:-}" ] && echo release || echo debug)")

choose_port() {
    local wanted=${PORT:-8080} port
    for port in "$wanted" $((wanted + 1)) $((wanted + 2)); do
        if port_is_free "$port"; then
            [ "$port" = "$wanted" ] || warn "port $wanted is taken; using $port"
            echo "$port"
            return 0
        fi
        [ -z "${PORT:-}" ] || die "port $PORT is taken"
    done
    free_port
}

PORT=$(choose_port)
JWT_SECRET=${JWT_SECRET:-$(kept_secret "$STATE/jwt.secret")}
export PORT JWT_SECRET
export ENV=${ENV:-development} AUTH_MODE=${AUTH_MODE:-strict} OTP_TEST_MODE=${OTP_TEST_MODE:-true}
export LISTEN_ADDRESS=${LISTEN_ADDRESS:-127.0.0.1}
# The log goes to a file and from there to this terminal.
if [ -t 1 ]; then export LOG_FORMAT=${LOG_FORMAT:-pretty}; fi

say "Migrating the database"
"$binary" migrate up
: >"$STATE/server.log"
start_daemon "$STATE/server.pid" "$STATE/server.log" "$binary" serve
url="http://127.0.0.1:$PORT"
wait_ready "the server" 30 "$STATE/server.pid" "$STATE/server.log" curl -fsS "$url/readyz" || exit 1
say "Seeding the demo"
"$VENV/bin/python" scripts/seed.py --url "$url" --state "$STATE/demo.json"
say "Serving on $url; Ctrl-C stops. The server's log follows."
tail -n +1 -f "$STATE/server.log" 9>&- &
tail_pid=$!
while is_ours "$STATE/server.pid"; do sleep 0.5; done
warn "the server ended by itself"
exit 1
