#!/usr/bin/env bash
# Private PostgreSQL, Redis and nats-server for development and tests.
set -euo pipefail

# shellcheck source=scripts/lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
# shellcheck source=scripts/lib/install.sh
. "$ROOT/scripts/lib/install.sh"
# shellcheck source=scripts/lib/postgres.sh
. "$ROOT/scripts/lib/postgres.sh"
# shellcheck source=scripts/lib/redis.sh
. "$ROOT/scripts/lib/redis.sh"
# shellcheck source=scripts/lib/nats.sh
. "$ROOT/scripts/lib/nats.sh"

usage() {
    cat >&2 <<'USAGE'
usage: scripts/services.sh COMMAND [NAME [SERVICE...]]

  install                install missing packages and the private Python environment
  start NAME [SERVICE…]  start what the environment does not give; ready when this returns
  stop NAME [SERVICE…]   stop what was started
  kill|pause|resume NAME SERVICE…   for rehearsing faults
  status NAME            which service runs, with its process
  env NAME               the URLs, as lines for a shell: eval "$(scripts/services.sh env run)"
  reset NAME             stop and throw the data away

NAME is 'run' (kept, durable) or 'test' (thrown away at each start); SERVICE is postgres, redis or nats.
DATABASE_URL, REDIS_URL and NATS_URL, where set, take the place of the private server.
USAGE
    exit 64
}

COMMAND=${1:-}
NAME=${2:-run}
STATE="$STATE_ROOT/$NAME"
[[ $NAME =~ ^[a-z][a-z0-9-]*$ ]] || die "'$NAME' is no name for a set of services"
SERVICES=("${@:3}")
[ ${#SERVICES[@]} -gt 0 ] || SERVICES=(postgres redis nats)
for service in "${SERVICES[@]}"; do
    [[ $service =~ ^(postgres|redis|nats)$ ]] || die "there is no service '$service': postgres, redis, nats"
done

# The port of the last start, so that URLs stay the same over restarts; a new one when somebody else took it.
kept_port() {
    local file="$STATE/$1.port" port
    if port=$(cat "$file" 2>/dev/null) && [ -n "$port" ] && port_is_free "$port"; then
        echo "$port"
        return 0
    fi
    port=$(free_port)
    echo "$port" >"$file"
    echo "$port"
}

given() {
    case $1 in
    postgres) echo "${DATABASE_URL:-}" ;;
    redis) echo "${REDIS_URL:-}" ;;
    nats) echo "${NATS_URL:-}" ;;
    esac
}

durability() { if [ "$NAME" = run ]; then echo kept; else echo throwaway; fi; }

start_services() {
    local service
    mkdir -p "$STATE"
    chmod 711 "$STATE"
    for service in "${SERVICES[@]}"; do
        if [ -n "$(given "$service")" ]; then
            say "Using the environment's $service"
            # One of ours that still runs from before would be left behind.
            "stop_$service"
            continue
        fi
        "start_$service" "$(durability)"
        say "$service is ready on port $(cat "$STATE/$service.port")"
    done
}

stop_services() {
    local service
    for service in "${SERVICES[@]}"; do "stop_$service"; done
}

reset_services() {
    local service
    stop_services
    for service in "${SERVICES[@]}"; do "remove_$service"; done
}

signal_services() {
    local signal=$1 service
    for service in "${SERVICES[@]}"; do
        is_ours "$STATE/$service.pid" || die "$service is not one that we started"
        kill "-$signal" "$(pid_of "$STATE/$service.pid")"
    done
}

print_url() {
    local variable=$1 service=$2 url
    url=$(given "$service")
    if [ -z "$url" ]; then
        [ -s "$STATE/$service.port" ] || die "$service was never started: scripts/services.sh start $NAME"
        local port
        port=$(cat "$STATE/$service.port")
        case $service in
        postgres) url=$(pg_url "$port") ;;
        redis) url="redis://127.0.0.1:$port/0" ;;
        nats) url="nats://127.0.0.1:$port" ;;
        esac
    fi
    printf 'export %s=%q\n' "$variable" "$url"
}

status() {
    local service
    for service in "${SERVICES[@]}"; do
        if [ -n "$(given "$service")" ]; then
            echo "$service: given by the environment"
        elif is_ours "$STATE/$service.pid"; then
            echo "$service: running, process $(pid_of "$STATE/$service.pid"), port $(cat "$STATE/$service.port")"
        else
            echo "$service: not running"
        fi
    done
}

# The monitoring port of our own nats-server; whoever gives NATS_URL gives NATS_MONITOR_URL, too, or none.
print_monitor_url() {
    [ -z "${NATS_URL:-}" ] && [ -s "$STATE/nats.monitor.port" ] || return 0
    printf 'export NATS_MONITOR_URL=%q\n' "http://127.0.0.1:$(cat "$STATE/nats.monitor.port")"
}

# A caller that holds the lock for longer (run.sh, test.sh) says so.
lock_unless_held() {
    [ "${TIMINGLE_STATE_LOCKED:-}" = "$NAME" ] || lock_state "$STATE" "make $NAME"
}

case $COMMAND in
install) install_all ;;
start)
    lock_unless_held
    install_all
    if [ "$(durability)" = throwaway ] && [ "${#}" -le 2 ]; then reset_services; fi
    start_services
    ;;
stop)
    lock_unless_held
    stop_services
    ;;
reset)
    lock_unless_held
    reset_services
    ;;
kill) signal_services KILL ;;
pause) signal_services STOP ;;
resume) signal_services CONT ;;
status) status ;;
env)
    print_url DATABASE_URL postgres
    print_url REDIS_URL redis
    print_url NATS_URL nats
    print_monitor_url
    ;;
*) usage ;;
esac
