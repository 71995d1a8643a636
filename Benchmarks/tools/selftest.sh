#!/usr/bin/env bash
# Does the generator notice what it should? Runs it against wsceil with and without faults, in plain text and over TLS.
# usage: selftest.sh [directory of the binaries]
here=$(cd "$(dirname "$0")" && pwd)
B=${1:-$here}
bad=0
scratch=$(mktemp -d)
front=
trap 'rm -rf "$scratch"; [ -z "$front" ] || kill "$front" 2>/dev/null' EXIT
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
    -keyout "$scratch/key.pem" -out "$scratch/certificate.pem" 2>/dev/null || exit 2

answers() {
    local i
    for i in {1..50}; do
        (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null && return 0
        sleep 0.05
    done
    return 1
}
port=$((12000 + RANDOM % 15000))
t() { # expectation, what, wsceil options -- wsload options
    local want=$1 what=$2 fault=$3 at server code out got
    shift 3
    port=$((port + 2))
    at=$port
    # shellcheck disable=SC2086
    "$B/wsceil" -p $port $fault &
    server=$!
    answers $port || { echo "FAIL  $what: wsceil does not start"; bad=1; return; }
    if [[ " $* " == *" --tls "* ]]; then
        at=$((port + 1))
        python3 "$here/tlsfront.py" $at $port "$scratch/certificate.pem" "$scratch/key.pem" &
        front=$!
        answers $at
    fi
    out=$("$B/wsload" "$@" --port $at --pid $server --warmup 0.2 --duration 0.5 --drain 0.5 2>/dev/null)
    code=$?
    kill $server $front
    wait $server $front 2>/dev/null
    front=
    got=$(grep -o '"gaps.*"intact":[a-z]*\|"failed":[0-9]*' <<<"$out")
    if [ $code = "$want" ]; then echo "ok    $what  $got"; else echo "FAIL  $what (exit $code, want $want)  $got"; bad=1; fi
}
F="fanout --rooms 3 --members 8 --senders 3 --window 4"
t 0 "plain"            ""         $F
t 0 "no batching"      "-i"       $F
t 0 "re-encoded JSON"  "-j"       $F
t 0 "newline joined"   "-f join"  $F
t 0 "two threads"      ""         $F --threads 2
t 0 "open loop"        ""         $F --rate 2000
t 0 "4 KiB messages"   ""         $F --payload 4096
t 0 "60 KB messages"   ""         $F --payload 60000
t 0 "tiny messages"    ""         $F --payload 10
t 0 "bare key template" ""        $F --msg '{"seq":{seq},"t":{t},"sid":{sid},"pad":"{pad}"}'
t 0 "unquoted keys"    "-j"       $F --msg '{"type":"message","message":"seq:{seq} t:{t} sid:{sid} {pad}"}'
t 1 "lost message"     "-f drop"  $F --rate 5000
t 1 "repeated message" "-f dup"   $F --rate 5000
t 0 "swap across senders" "-f swap" $F --rate 5000
t 1 "swapped messages" "-f swap"  fanout --rooms 1 --members 8 --rate 5000
t 1 "wrong room"       "-f cross" $F --rate 5000
t 1 "not split"        "-f join"  $F --rate 5000 --burst 50 --no-split
t 0 "echo"             ""         echo --conns 16 --depth 8
t 0 "churn"            ""         churn --conns 8 --roundtrip --src-count 4
t 0 "TLS"              ""         $F --tls
t 0 "TLS 1.2"          ""         $F --tls --tls-version 1.2
t 0 "TLS, 60 KB messages" ""      $F --tls --payload 60000
t 0 "TLS, churn"       ""         churn --conns 8 --roundtrip --src-count 4 --tls --tls-resume
t 1 "TLS, lost message" "-f drop" $F --tls --rate 2000
exit $bad
