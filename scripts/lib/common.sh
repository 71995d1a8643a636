# Shared by every script: where things lie, how they speak, how they lock. Sourced, never run.
# shellcheck shell=bash

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# Everything that the scripts make lies here; git ignores it.
STATE_ROOT="$ROOT/.timingle"
VENV="$STATE_ROOT/venv"

say() { printf '\033[1m==>\033[0m %s\n' "$*" >&2; }
warn() { printf 'warning: %s\n' "$*" >&2; }
die() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }
is_root() { [ "$(id -u)" -eq 0 ]; }

# Runs a command as root, directly or through sudo.
as_root() {
    if is_root; then
        "$@"
    elif have sudo; then
        sudo "$@"
    else
        die "this needs root and there is no sudo: $*"
    fi
}

# Holds the lock of a state directory until this shell ends. File descriptor 9 is closed in daemons (start_daemon).
lock_state() {
    local dir=$1 what=$2
    mkdir -p "$dir"
    exec 9>>"$dir/lock"
    if ! flock -n 9; then
        is_ours "$dir/lock.owner" &&
            die "another '$what' is going on (process $(pid_of "$dir/lock.owner")): wait for it or stop it first"
        # Its owner was killed; what it had started holds the lock until it is done.
        say "Waiting for what a killed '$what' left behind"
        flock -w 120 9 || die "something that a killed '$what' started still holds $dir/lock (fuser -v $dir/lock)"
    fi
    printf '%s\n%s\n' $$ "$(process_start $$)" >"$dir/lock.owner"
}

# The start time of a process in clock ticks since boot: with the number it names a process for good.
process_start() {
    local line
    line=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
    # The second field may hold blanks and parentheses: cut up to the last one.
    # shellcheck disable=SC2086
    set -- ${line##*) }
    echo "${20}"
}

# True when the pid file names a living process that we started: number and start time agree.
# A pid file has two lines: number, start time.
is_ours() {
    local file=$1 pid start
    { read -r pid && read -r start; } 2>/dev/null <"$file" || return 1
    [[ $pid =~ ^[0-9]+$ ]] || return 1
    [ "$(process_start "$pid")" = "$start" ] || return 1
    # A zombie is dead.
    ! grep -q '^State:[[:space:]]*Z' "/proc/$pid/status" 2>/dev/null
}

pid_of() { head -n 1 "$1" 2>/dev/null; }

# start_daemon PIDFILE LOGFILE COMMAND...: in a session of its own, so that Ctrl-C reaches it only through us.
start_daemon() {
    local pid_file=$1 log=$2 pid
    shift 2
    setsid "$@" >>"$log" 2>&1 </dev/null 9>&- &
    pid=$!
    # setsid forks only when it leads a process group; a background job of a script does not.
    printf '%s\n%s\n' "$pid" "$(process_start "$pid" || echo gone)" >"$pid_file.new"
    mv "$pid_file.new" "$pid_file"
}

# stop_daemon PIDFILE NAME [SIGNAL [SECONDS]]: asks, waits, then kills. Never touches a process that is not ours.
stop_daemon() {
    local pid_file=$1 name=$2 signal=${3:-TERM} seconds=${4:-15} pid deadline
    if ! is_ours "$pid_file"; then
        rm -f "$pid_file"
        return 0
    fi
    pid=$(pid_of "$pid_file")
    # A paused process does not hear.
    kill -CONT "$pid" 2>/dev/null || true
    kill "-$signal" "$pid" 2>/dev/null || true
    deadline=$((SECONDS + seconds))
    while is_ours "$pid_file"; do
        if [ $SECONDS -ge $deadline ]; then
            warn "$name ($pid) did not stop within $seconds s: killing it"
            kill -KILL "$pid" 2>/dev/null || true
            sleep 0.2
            break
        fi
        sleep 0.05
    done
    rm -f "$pid_file"
}

# wait_ready NAME SECONDS PIDFILE LOGFILE COMMAND...: until the command succeeds; 1 when the process died or time ran out.
wait_ready() {
    local name=$1 seconds=$2 pid_file=$3 log=$4 deadline
    shift 4
    deadline=$((SECONDS + seconds))
    until "$@" >/dev/null 2>&1; do
        if ! is_ours "$pid_file"; then
            warn "$name ended while starting; the end of $log:"
            tail -n 5 "$log" >&2 || true
            return 1
        fi
        if [ $SECONDS -ge $deadline ]; then
            warn "$name was not ready within $seconds s; the end of $log:"
            tail -n 20 "$log" >&2 || true
            return 1
        fi
        sleep 0.1
    done
}

# A loopback port that was free a moment ago, below the range from which outgoing connections take theirs.
# Whoever uses it must be ready to lose the race and ask again.
free_port() {
    local port
    for _ in {1..100}; do
        port=$((12000 + RANDOM % 20000))
        if port_is_free "$port"; then
            echo "$port"
            return 0
        fi
    done
    die "no free port"
}

port_is_free() {
    "$VENV/bin/python" - "$1" <<'PY'
import socket, sys
with socket.socket() as s:
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        s.bind(("0.0.0.0", int(sys.argv[1])))
    except OSError:
        sys.exit(1)
PY
}

random_secret() { head -c 36 /dev/urandom | base64 | tr '+/' '-_' | tr -d '\n'; }

# Reads a secret from a file that only we may read; makes it first when it is not there.
kept_secret() {
    local file=$1
    if [ ! -s "$file" ]; then
        (umask 077 && random_secret >"$file.new")
        mv "$file.new" "$file"
    fi
    cat "$file"
}
