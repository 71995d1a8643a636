#!/usr/bin/env bash
# Runs Autobahn's WebSocket conformance cases against the echo of the bare listener: scripts/autobahn.sh all|functional.
#
# all: all 517 without contexts, then the compression's with contexts (a quarter of an hour each, release build); CASES='5.*,12.1.*' narrows
# both. functional: what takes seconds (debug build), and exit status 3 where there is no Python 2.7, in which the client is written.
# Reports: .timingle/autobahn/reports.
set -euo pipefail

# shellcheck source=scripts/lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
# shellcheck source=scripts/lib/install.sh
. "$ROOT/scripts/lib/install.sh"

what=${1:-all}
[[ $what =~ ^(all|functional)$ ]] || die "usage: scripts/autobahn.sh all|functional"
require_swift
cd "$ROOT"
state="$STATE_ROOT/autobahn"
lock_state "$state" "make autobahn"

# Looked for in PYTHON27, in pyenv's versions, in PATH. pyenv's shims may name one that they cannot run.
python27() {
    local python
    for python in "${PYTHON27:-}" "${PYENV_ROOT:-$HOME/.pyenv}"/versions/2.7.*/bin/python2.7 python2.7 pypy; do
        if [ -n "$python" ] && "$python" -c 'import sys; sys.exit(sys.version_info[:2] != (2, 7))' 2>/dev/null; then
            command -v "$python"
            return 0
        fi
    done
    return 1
}

# The last virtualenv that can make an environment of Python 2.7 lives in one of its own.
install_client() {
    local python
    [ ! -e "$state/client/.installed" ] || return 0
    say "Installing Autobahn's fuzzing client"
    rm -rf "$state/client" "$state/virtualenv"
    python=$(venv_python) || die "no python3 >= 3.10 that can make a virtual environment"
    "$python" -m venv "$state/virtualenv"
    "$state/virtualenv/bin/pip" install --quiet --disable-pip-version-check 'virtualenv==20.21.1' >&2
    "$state/virtualenv/bin/virtualenv" --quiet --no-periodic-update --python "$1" "$state/client" >&2
    "$state/client/bin/pip" install --quiet --disable-pip-version-check 'autobahntestsuite==25.10.1' \
        >"$state/install.log" 2>&1 || {
        tail -n 5 "$state/install.log" >&2
        return 1
    }
    touch "$state/client/.installed"
}

# run NAME CASES OPTION...: the bare listener with these options, and the client.
run() {
    local name=$1 cases=$2 out="$state/reports/$1" url status=0
    shift 2
    rm -rf "$out"
    mkdir -p "$out"
    start_daemon "$state/listener.pid" "$out/listener.log" "$listener" --port 0 --max-message 16777216 --deflate-min 0 "$@"
    wait_ready "the bare listener" 30 "$state/listener.pid" "$out/listener.log" grep -q '^listening on ' "$out/listener.log"
    url="ws://$(sed -n 's/^listening on //p' "$out/listener.log")/echo"
    say "Autobahn, $name: $cases"
    python3 - "$url" "$cases" >"$out/spec.json" <<'PY'
import json, sys
url, cases = sys.argv[1:]
server = {"agent": "timingle", "url": url, "options": {"version": 18}}
json.dump({"options": {"failByDrop": False}, "outdir": ".", "servers": [server], "cases": cases.split(","),
           "exclude-cases": [], "exclude-agent-cases": {}}, sys.stdout)
PY
    (cd "$out" && PYTHONUNBUFFERED=1 exec timeout "${MAX_SECONDS:-3600}" nice "$state/client/bin/wstest" -m fuzzingclient \
        -s spec.json >wstest.log 2>&1 9>&-) || status=$?
    [ "$status" -eq 0 ] || warn "the client ended with status $status: $out/wstest.log"
    stop_daemon "$state/listener.pid" "the bare listener"
    python3 Tests/Autobahn/summary.py "$out" "$status" || failed+=("$name")
}

python=$(python27) || {
    warn "Autobahn's conformance cases are LEFT OUT: its client needs a Python 2.7 (PYTHON27=/path/to/python2.7)"
    exit 3
}
install_client "$python" || {
    warn "Autobahn's conformance cases are LEFT OUT: its client could not be installed ($state/install.log)"
    exit 3
}
configuration=$([ "$what" = all ] && echo release || echo debug)
swift build --configuration "$configuration" --product BareListener >&2 9>&-
listener="$(swift build --configuration "$configuration" --product BareListener --show-bin-path)/BareListener"

trap 'stop_daemon "$state/listener.pid" "the bare listener"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
failed=()
if [ "$what" = functional ]; then
    # 247 of frames, fragments, UTF-8 and closing, and two lengths of each window.
    run functional '1.*,2.*,3.*,4.*,5.*,6.*,7.*,10.*,12.1.3,12.1.8,13.1.3,13.3.3,13.5.3' --deflate
    run functional-contexts '12.1.3,12.1.8,13.1.3,13.2.3,13.4.3,13.6.3' --deflate-context
else
    run no-contexts "${CASES:-*}" --deflate
    run contexts "${CASES:-12.*,13.*}" --deflate-context
fi
[ ${#failed[@]} -eq 0 ] || die "not conforming: ${failed[*]} (reports: $state/reports)"
say "All cases are well"
