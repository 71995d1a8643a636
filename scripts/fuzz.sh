#!/usr/bin/env bash
# Looks for inputs that break a claim of a fuzz target: scripts/fuzz.sh [TARGET...] for SECONDS each (60); all targets when none is named.
#
# One program for all targets, made of TimingleNet's sources, TimingleCQL's codecs and Fuzz/, with libFuzzer and the address sanitizer. What it learns stays in
# .timingle/fuzz; seeds are Fuzz/Corpus. An input that breaks a claim is printed: kept in the corpus, it is a regression test.
set -euo pipefail

# shellcheck source=scripts/lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
# shellcheck source=scripts/lib/install.sh
. "$ROOT/scripts/lib/install.sh"

require_swift
cd "$ROOT"
state="$STATE_ROOT/fuzz"
lock_state "$state" "make fuzz"
out="$ROOT/.build/fuzz"
mkdir -p "$out"

names=("$@")
if [ ${#names[@]} -eq 0 ]; then
    mapfile -t names < <(sed -n 's/.*FuzzTarget(name: "\([A-Za-z0-9]*\)".*/\1/p' Fuzz/FuzzTarget.swift)
fi

say "Building the fuzzer"
mapfile -t sources < <(find Sources/TimingleNet Fuzz -name '*.swift' ! -name '*Tests.swift' | sort)
# One module cannot import itself: the codecs come without that line.
rm -rf "$out/cql"
mkdir -p "$out/cql"
for file in Sources/TimingleCQL/{Frame,Requests,Responses,Values}/*.swift; do
    sed '/^[a-z]* *import TimingleNet$/d' "$file" >"$out/cql/${file##*/}"
    sources+=("$out/cql/${file##*/}")
done
sources+=(Tests/TimingleTestSupport/SeededGenerator.swift Tests/TimingleTestSupport/WebSocketClientFrame.swift)
swiftc -O -g -sanitize=fuzzer,address -parse-as-library -module-name TimingleFuzz -package-name timingle \
    -swift-version 6 -enable-upcoming-feature ExistentialAny -enable-upcoming-feature MemberImportVisibility \
    -enable-upcoming-feature InternalImportsByDefault -enable-upcoming-feature NonisolatedNonsendingByDefault \
    -enable-experimental-feature Lifetimes -I Sources/CLinux -I Sources/COpenSSL -I Sources/CZlib \
    "${sources[@]}" -o "$out/fuzz" >"$out/build.log" 2>&1 || {
    grep -E 'error' "$out/build.log" >&2 || tail -n 20 "$out/build.log" >&2
    die "the fuzzer does not build"
}

failed=()
for name in "${names[@]}"; do
    [ -d "Fuzz/Corpus/$name" ] || die "no such target: $name"
    mkdir -p "$state/$name/found" "$state/$name/learnt"
    say "$name for ${SECONDS_EACH:=60} s"
    seeds=("$state/$name/learnt" "Fuzz/Corpus/$name")
    [[ $name != HTTP* ]] || seeds+=(Fuzz/Corpus/http)
    # The backtracer of Swift would wait for a terminal.
    if ! SWIFT_BACKTRACE=enable=no FUZZ_TARGET=$name "$out/fuzz" -max_total_time="$SECONDS_EACH" -max_len=4096 -timeout=10 \
        -rss_limit_mb=2048 -detect_leaks=0 -print_final_stats=1 -artifact_prefix="$state/$name/found/" "${seeds[@]}" \
        >"$state/$name/log" 2>&1 </dev/null; then
        failed+=("$name")
        grep -aE 'Fatal error|ERROR: |Test unit written' "$state/$name/log" >&2 || tail -n 20 "$state/$name/log" >&2
    fi
    grep -aE 'number_of_executed_units|new_units_added' "$state/$name/log" >&2 || true
done
[ ${#failed[@]} -eq 0 ] || die "broken claims: ${failed[*]} (logs and inputs: $state)"
say "No claim was broken"
