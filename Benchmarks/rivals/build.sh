#!/usr/bin/env bash
# Builds the rivals from Debian's packages: build.sh DIRECTORY. What cannot be had is left out, loudly.
#
# DIRECTORY gets one file a rival: run it with a port. All obey the bare listener's contract (nginx its HTTP half), with one thread.
set -euo pipefail

# shellcheck source=scripts/lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib/common.sh"
# shellcheck source=scripts/lib/install.sh
. "$ROOT/scripts/lib/install.sh"

out=$1
here="$ROOT/Benchmarks/rivals"
mkdir -p "$out"

# needs PACKAGE...: whether they are there, or could be installed. Their services stay off.
needs() {
    local missing=() package
    for package in "$@"; do package_is_installed "$package" || missing+=("$package"); done
    [ ${#missing[@]} -eq 0 ] || (RUNLEVEL=1 apt_install "${missing[@]}")
}

# rival NAME BUILD PACKAGE...
rival() {
    local name=$1 build=$2
    shift 2
    if needs "$@" && "$build"; then
        say "$name is ready"
    else
        rm -f "$out/$name"
        warn "RIVAL LEFT OUT: $name (it needs: $*)"
    fi
}

# Builds to a file of its own first: a half-written program never looks like a whole one.
newer() { [ "$1" -nt "$2" ]; }
beast() {
    newer "$out/beast" "$here/beast/main.cpp" && return 0
    g++ -O3 -DNDEBUG -std=c++17 -pthread "$here/beast/main.cpp" -o "$out/beast.new" && mv "$out/beast.new" "$out/beast"
}
libwebsockets() {
    newer "$out/libwebsockets" "$here/libwebsockets/main.c" && return 0
    gcc -O3 -Wall -Wextra "$here/libwebsockets/main.c" -o "$out/libwebsockets.new" -lwebsockets -lcap &&
        mv "$out/libwebsockets.new" "$out/libwebsockets"
}
gorilla() {
    newer "$out/gorilla" "$here/gorilla/main.go" && return 0
    GOPATH=/usr/share/gocode GO111MODULE=off GOFLAGS="" go build -o "$out/gorilla.new" "$here/gorilla/main.go" &&
        mv "$out/gorilla.new" "$out/gorilla"
}
# A launcher that only sets the scene for a program.
launcher() {
    printf '#!/bin/sh\nexec %s "$@"\n' "$2" >"$out/$1" && chmod +x "$out/$1"
}
node_ws() { launcher node-ws "env NODE_PATH=/usr/share/nodejs node $here/node-ws/main.js"; }
nginx_only() { launcher nginx "$here/nginx/serve.sh"; }

rival nginx nginx_only nginx-light
rival beast beast g++ libboost-dev
rival libwebsockets libwebsockets gcc libwebsockets-dev
rival gorilla gorilla golang-go golang-github-gorilla-websocket-dev
rival node-ws node_ws node-ws
