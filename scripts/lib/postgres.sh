# A private PostgreSQL on loopback. Sourced by services.sh; STATE is the state directory.
# shellcheck shell=bash

PG_USER=timingle
PG_DATABASE=timingle

# PostgreSQL refuses to run as root: then it runs as the user that Debian's package made.
pg_run() {
    if is_root; then
        setpriv --reuid=postgres --regid=postgres --init-groups --reset-env -- "$@"
    else
        "$@"
    fi
}

# Chooses where the data lies: in the state directory, or, when the server's user cannot reach that, under /var/tmp.
pg_home() {
    local location="$STATE/postgres.location" home
    if [ -s "$location" ] && home=$(cat "$location") && [ -d "$home" ]; then
        echo "$home"
        return 0
    fi
    home="$STATE/postgres"
    mkdir -p "$home"
    if is_root; then
        chown postgres: "$home"
        if ! (cd / && pg_run test -w "$home" -a -x "$home"); then
            rmdir "$home"
            home=$(mktemp -d /var/tmp/timingle-postgres.XXXXXXXX)
            chown postgres: "$home"
        fi
    fi
    echo "$home" >"$location.new"
    mv "$location.new" "$location"
    echo "$home"
}

# Makes the cluster. The marker is written last: a cluster without it is a half-made one and is thrown away.
pg_init() {
    local home=$1 bin=$2 durability=$3 password
    [ -e "$home/made-by-postgres-$(basename "$(dirname "$bin")")" ] && return 0
    if compgen -G "$home/made-by-*" >/dev/null; then
        die "$home was made by another PostgreSQL version: move it away, or 'make reset' to start over"
    fi
    rm -rf "${home:?}/data"
    password=$(kept_secret "$STATE/postgres.password")
    (umask 077 && printf '%s\n' "$password" >"$home/password")
    if is_root; then chown postgres: "$home/password"; fi
    local flags=(--username="$PG_USER" --pwfile="$home/password" --auth=scram-sha-256 --encoding=UTF8 --locale=C.UTF-8)
    # A throwaway cluster need not reach the disk; one that is kept must.
    [ "$durability" = throwaway ] && flags+=(--no-sync)
    (cd / && pg_run "$bin/initdb" --pgdata="$home/data" "${flags[@]}") >"$STATE/initdb.log" 2>&1 ||
        die "initdb failed: $(tail -n 3 "$STATE/initdb.log")"
    rm -f "$home/password"
    touch "$home/made-by-postgres-$(basename "$(dirname "$bin")")"
}

pg_url() {
    local port=$1 database=${2:-$PG_DATABASE}
    echo "postgres://$PG_USER:$(cat "$STATE/postgres.password")@127.0.0.1:$port/$database"
}

pg_answers() { psql -X -q -At -d "$(pg_url "$1" postgres)" -c 'SELECT 1'; }

start_postgres() {
    local durability=$1 bin home port attempt
    if is_ours "$STATE/postgres.pid" && port=$(cat "$STATE/postgres.port" 2>/dev/null) && pg_answers "$port" >/dev/null 2>&1; then
        return 0
    fi
    stop_postgres
    bin=$(postgres_bin) || die "PostgreSQL's server is not installed"
    home=$(pg_home)
    pg_init "$home" "$bin" "$durability"
    local settings=(-c listen_addresses=127.0.0.1 -c unix_socket_directories= -c max_connections=200
        -c timezone=UTC -c log_timezone=UTC -c log_min_duration_statement=1000)
    [ "$durability" = throwaway ] && settings+=(-c fsync=off -c full_page_writes=off -c synchronous_commit=off)
    for attempt in 1 2 3 4 5; do
        port=$(kept_port postgres)
        pg_drop_stale_lock "$home/data/postmaster.pid"
        (cd / && start_postgres_daemon "$bin" "$home" "$port" "${settings[@]}")
        if wait_ready PostgreSQL 60 "$STATE/postgres.pid" "$STATE/postgres.log" pg_answers "$port"; then
            pg_ensure_database "$port"
            return 0
        fi
        stop_postgres
        # Once more on the same port, then on others.
        if [ "$attempt" -gt 1 ]; then rm -f "$STATE/postgres.port"; fi
        warn "PostgreSQL did not start (attempt $attempt)"
        # The children of a killed server take a moment to notice.
        sleep 1
    done
    die "PostgreSQL does not start; see $STATE/postgres.log"
}

# PostgreSQL clears its own stale lock file, unless the number in it now belongs to another process of ours: it then
# refuses to start. Where it is a postgres that number names, the file stays: two servers must never share the data.
pg_drop_stale_lock() {
    local pid deadline=$((SECONDS + 5))
    pid=$(pid_of "$1") || return 0
    [ -n "$pid" ] || return 0
    # A killed one may stay a moment as a zombie.
    while grep -q '^State:[[:space:]]*Z' "/proc/$pid/status" 2>/dev/null && [ $SECONDS -lt $deadline ]; do sleep 0.1; done
    [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = postgres ] || rm -f "$1"
}

start_postgres_daemon() {
    local bin=$1 home=$2 port=$3
    shift 3
    local command=("$bin/postgres" -D "$home/data" -p "$port" "$@")
    is_root && command=(setpriv --reuid=postgres --regid=postgres --init-groups --reset-env -- "${command[@]}")
    start_daemon "$STATE/postgres.pid" "$STATE/postgres.log" "${command[@]}"
}

pg_ensure_database() {
    local port=$1
    if [ "$(psql -X -At -d "$(pg_url "$port" postgres)" -c "SELECT 1 FROM pg_database WHERE datname = '$PG_DATABASE'")" != 1 ]; then
        psql -X -q -d "$(pg_url "$port" postgres)" -c "CREATE DATABASE $PG_DATABASE" >&2
    fi
}

# SIGINT is PostgreSQL's fast shutdown: it ends sessions instead of waiting for them.
stop_postgres() { stop_daemon "$STATE/postgres.pid" PostgreSQL INT 30; }

remove_postgres() {
    local home
    home=$(cat "$STATE/postgres.location" 2>/dev/null) || return 0
    case $home in
    "$STATE/postgres" | /var/tmp/timingle-postgres.*) rm -rf "$home" ;;
    esac
    rm -f "$STATE"/postgres.* "$STATE/initdb.log"
}
