# Runs the stages of a test run, goes on behind a failure, and tells at the end what failed in each. Sourced, never run.
# shellcheck shell=bash

# The names of the stages that failed, and the files with their output.
failed_stages=()
failed_logs=()

# stage NAME COMMAND...: its output is shown and kept; a failure is remembered. Always 0.
stage() {
    local name=$1 logs="$STATE_ROOT/test/stages" log writer code=0
    shift
    say "$name"
    mkdir -p "$logs"
    log="$logs/${name//[^A-Za-z0-9]/-}.log"
    rm -f "$logs/pipe"
    mkfifo "$logs/pipe"
    tee "$log" <"$logs/pipe" 9>&- &
    writer=$!
    # In this shell: what the command sets and guards is ours.
    "$@" >"$logs/pipe" 2>&1 || code=$?
    # The log is whole when its writer has ended, which what a crashed test left behind could put off for ever.
    for _ in {1..100}; do
        kill -0 "$writer" 2>/dev/null || break
        sleep 0.1
    done
    kill "$writer" 2>/dev/null || true
    wait "$writer" 2>/dev/null || true
    [ "$code" -ne 0 ] || return 0
    failed_stages+=("$name")
    failed_logs+=("$log")
}

# The lines of a log that name what failed: of Swift Testing, pytest, Autobahn's report, a trap, a sanitizer, the watchdog.
failures_in() {
    local log=$1 lines
    lines=$(sed 's/\x1b\[[0-9;]*m//g' "$log" |
        grep -aE '✘ Test .*(recorded an issue|failed after)|^(FAILED|ERROR) |Fatal error|Sanitizer: |error: |not done in' |
        awk '!seen[$0]++' | cut -c 1-300 | tail -n 12)
    # Where nothing names it, the end of the output is the best that there is.
    [ -n "$lines" ] || lines=$(tail -n 12 "$log" | cut -c 1-300)
    printf '%s\n' "$lines"
}

# Tells what failed behind all other output, where one looks first. 1 when something did.
verdict() {
    [ ${#failed_stages[@]} -gt 0 ] || return 0
    local index
    for index in "${!failed_stages[@]}"; do
        say "Failed: ${failed_stages[index]}; all of its output: ${failed_logs[index]#"$ROOT/"}"
        failures_in "${failed_logs[index]}" >&2
    done
    return 1
}
