# Ends a test run that hangs, and says where it hung. Sourced, never run.
# shellcheck shell=bash

# A process and all that it started, children first.
tree_of() {
    local child
    for child in $(cat "/proc/$1/task/"*/children 2>/dev/null || true); do tree_of "$child"; done
    echo "$1"
}

# What `within` runs; nothing when it runs nothing.
guarded=()

# Ends what `within` runs, and its watch: a background job does not hear Ctrl-C. For the trap of whoever sources this.
end_guarded() {
    local pid
    for pid in "${guarded[@]}"; do
        # shellcheck disable=SC2046
        kill -KILL $(tree_of "$pid") 2>/dev/null || true
    done
    guarded=()
}

# within MINUTES COMMAND...: its status; after so many minutes the stacks of its processes, and the end of all of them.
# Output comes line by line, so that the last line tells which test it was.
within() {
    local minutes=$1 command watch code=0
    shift
    stdbuf -oL -eL "$@" &
    command=$!
    (
        # Only the shell would end with this one, and the sleep would hold the terminal.
        trap 'kill "$nap" 2>/dev/null; exit 0' TERM
        sleep $((minutes * 60)) 9>&- &
        nap=$!
        wait "$nap"
        warn "not done in $minutes minutes: ending it"
        local pids
        pids=$(tree_of "$command")
        if have gdb; then
            for pid in $pids; do
                timeout 60 gdb -p "$pid" -batch -ex 'thread apply all backtrace 24' 2>/dev/null || true
            done
        fi
        # shellcheck disable=SC2086
        kill -KILL $pids 2>/dev/null
    ) >&2 &
    watch=$!
    guarded=("$command" "$watch")
    wait "$command" || code=$?
    guarded=()
    kill -TERM "$watch" 2>/dev/null || true
    wait "$watch" 2>/dev/null || true
    return "$code"
}
