# Sanitized test runs: is the runtime there, and with which options does it run? Sourced, never run.
# shellcheck shell=bash

# Dies loudly when this toolchain or kernel cannot run sanitized programs: require_sanitizer thread|address
require_sanitizer() {
    local sanitizer=$1 dir
    dir=$(mktemp -d)
    echo 'print("runs")' >"$dir/probe.swift"
    if ! swiftc -sanitize="$sanitizer" "$dir/probe.swift" -o "$dir/probe" 2>"$dir/log" ||
        [ "$("$dir/probe" 2>>"$dir/log")" != runs ]; then
        cat "$dir/log" >&2
        rm -rf "$dir"
        warn "NOTHING WAS TESTED: the $sanitizer sanitizer does not work here"
        die "it needs libclang_rt.${sanitizer:0:1}san of the toolchain; for 'unexpected memory mapping': sysctl vm.mmap_rnd_bits=28"
    fi
    rm -rf "$dir"
}

# Findings outside our code that are known: each has its reason in its file. What the environment sets comes last and wins.
#
# Leaks are looked for with LEAKS=1 only, to be read by a human: Swift keeps many references with tag bits (strings, enums
# with payloads), which the leak checker cannot see, and fakes that hold each other live until their process ends. Of the
# listener's suites it names nothing of ours.
sanitizer_options() {
    local rules="$ROOT/scripts/sanitizers"
    export TSAN_OPTIONS="suppressions=$rules/thread.txt:halt_on_error=0:second_deadlock_stack=1${TSAN_OPTIONS:+:$TSAN_OPTIONS}"
    export ASAN_OPTIONS="detect_leaks=${LEAKS:-0}:detect_stack_use_after_return=1${ASAN_OPTIONS:+:$ASAN_OPTIONS}"
    export LSAN_OPTIONS="suppressions=$rules/leak.txt:print_suppressions=0${LSAN_OPTIONS:+:$LSAN_OPTIONS}"
}

# Builds the library that shows the Swift runtime's own synchronisation to ThreadSanitizer, and prints its path.
thread_hints() {
    local library="$ROOT/.build/thread/libhints.so" clang
    clang=$(dirname "$(readlink -f "$(command -v swiftc)")")/clang
    "$clang" -Wall -Wextra -Werror -shared -fPIC -O1 -o "$library" "$ROOT/scripts/sanitizers/thread.c" -ldl ||
        die "cannot build $library"
    echo "$library"
}
