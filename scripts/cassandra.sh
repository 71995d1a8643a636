#!/usr/bin/env bash
# A private Apache Cassandra on loopback for development and tests: one node, or three.
#
# The launcher is TIMINGLE_CASSANDRA, else ../shared/cassandra/cassandra beside the project, else scripts/cassandra/cassandra
# over the jars that `make cassandra` fetched. Needs Java 17. Where there is none, `find` ends with 3 and says so.
set -euo pipefail

# shellcheck source=scripts/lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"

usage() {
    cat >&2 <<'USAGE'
usage: scripts/cassandra.sh COMMAND [NAME] [ARGUMENTS]

  find                    where the launcher is; 3 when there is none
  fetch                   fetch Apache Cassandra by Maven, for machines where none is at hand
  start NAME [--nodes 3]  start a node, or three on 127.0.0.1 to 127.0.0.3; ready when this returns
  secure NAME             start a node that speaks TLS alone and wants a password; not for revive
  stop NAME               stop all nodes
  kill|pause|resume|revive NAME [NODE]   for rehearsing faults; NODE is 1, 2 or 3
  status NAME             one line of JSON
  env NAME                SCYLLA_HOSTS, SCYLLA_PORT and what else it takes to connect, as lines for a shell
  reset NAME              stop and throw the data away

NAME is 'run', 'test' or another. The nodes of these two sync before they acknowledge; others do as Cassandra does by default:
a node that is killed forgets its last tenth of a second, and one whose power fails its last ten seconds.
USAGE
    exit 64
}

COMMAND=${1:-}
NAME=${2:-run}
[[ $NAME =~ ^[a-z][a-z0-9-]*$ ]] || die "'$NAME' is no name for a cluster"
DIR="$STATE_ROOT/$NAME/cassandra"
FETCHED="$STATE_ROOT/cassandra"

java_is_recent() {
    local version
    have java || return 1
    version=$(java -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p' | head -n 1)
    [ "${version:-0}" -ge 17 ]
}

launcher() {
    local shared="$ROOT/../shared/cassandra/cassandra"
    java_is_recent || return 1
    if [ -n "${TIMINGLE_CASSANDRA:-}" ]; then
        [ -x "$TIMINGLE_CASSANDRA" ] || die "TIMINGLE_CASSANDRA=$TIMINGLE_CASSANDRA cannot be run"
        echo "$TIMINGLE_CASSANDRA"
    elif [ -x "$shared" ]; then
        echo "$shared"
    elif [ -e "$FETCHED/complete" ]; then
        echo "$ROOT/scripts/cassandra/cassandra"
    else
        return 1
    fi
}

find_launcher() {
    local found
    if found=$(launcher); then
        echo "$found"
        return 0
    fi
    if java_is_recent; then
        warn "there is no Cassandra here: set TIMINGLE_CASSANDRA, or fetch one by 'make cassandra'"
    else
        warn "there is no Cassandra here: it needs Java 17"
    fi
    return 3
}

fetch() {
    if find_launcher 2>/dev/null; then return 0; fi
    java_is_recent || die "Cassandra needs Java 17 (Debian: openjdk-17-jre-headless)"
    have mvn || die "'make cassandra' needs Maven (Debian: maven); or set TIMINGLE_CASSANDRA to a launcher"
    say "Fetching Apache Cassandra by scripts/cassandra/pom.xml"
    rm -rf "$FETCHED"
    mkdir -p "$FETCHED"
    mvn --quiet --batch-mode --file "$ROOT/scripts/cassandra/pom.xml" dependency:copy-dependencies \
        -DincludeScope=runtime "-DoutputDirectory=$FETCHED/lib" >&2 || die "Maven could not fetch it"
    touch "$FETCHED/complete"
    launcher
}

# A launcher of another directory may have made the cluster: its state names no program, so any of them can go on.
run() {
    local program
    program=$(find_launcher) || exit 3
    TIMINGLE_CASSANDRA_LIB="$FETCHED/lib" "$program" "$@"
}

start() {
    local fsync=periodic
    case $NAME in run | test) fsync=batch ;; esac
    if [ -e "$DIR/cluster.json" ] && run status "$DIR" >/dev/null 2>&1; then return 0; fi
    mkdir -p "$DIR"
    # Half a cluster is no use: what is left of a killed one is stopped first.
    [ ! -e "$DIR/cluster.json" ] || run stop "$DIR" >/dev/null 2>&1 || true
    run start "$DIR" --fsync "$fsync" "$@" >"$DIR/started.json"
    say "Cassandra is ready on port $(field port)"
}

# An authority of our own, and a certificate of it for the node; the store of keys is what Java reads.
make_certificates() {
    local tls=$1
    mkdir -p "$tls"
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -subj "/CN=timingle test CA" \
        -keyout "$tls/ca.key" -out "$tls/ca.pem"
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=node" \
        -keyout "$tls/node.key" -out "$tls/node.csr"
    openssl x509 -req -in "$tls/node.csr" -CA "$tls/ca.pem" -CAkey "$tls/ca.key" -CAcreateserial -days 30 \
        -extfile <(echo "subjectAltName=DNS:localhost,IP:127.0.0.1") -out "$tls/node.pem"
    openssl pkcs12 -export -in "$tls/node.pem" -inkey "$tls/node.key" -passout pass:timingle -out "$tls/node.p12"
}

# The launchers know neither TLS nor passwords: one makes the node, and we start it again with more in its configuration.
secure() {
    local node="$DIR/node-1" yaml="$DIR/node-1/cassandra.yaml" tls="$DIR/tls" line pid start
    local -a command
    have openssl || die "this needs openssl"
    [ ! -e "$DIR/cluster.json" ] || die "there is a node in $DIR: scripts/cassandra.sh reset $NAME"
    start
    # One launcher writes the start time behind the number.
    read -r pid start <"$node/pid" || true
    mapfile -d '' -t command <"/proc/$pid/cmdline"
    run stop "$DIR" >/dev/null
    make_certificates "$tls" 2>"$tls.log" || die "openssl could not make certificates: see $tls.log"
    for line in "authenticator: PasswordAuthenticator" "authorizer: CassandraAuthorizer" \
        "role_manager: CassandraRoleManager"; do
        sed -i "/^${line%%:*}:/d" "$yaml"
        printf '%s\n' "$line" >>"$yaml"
    done
    printf '%s\n' "client_encryption_options:" "  enabled: true" "  optional: false" "  require_client_auth: false" \
        "  keystore: $tls/node.p12" "  keystore_password: timingle" "  store_type: PKCS12" >>"$yaml"
    (cd "$node" && exec setsid "${command[@]}" >>stdout.log 2>&1 </dev/null 9>&-) &
    pid=$!
    echo "$pid${start:+ $(process_start "$pid")}" >"$node/pid"
    for _ in {1..600}; do
        kill -0 "$pid" 2>/dev/null || die "the node ended: see $node/stdout.log"
        # The user is made in the background, and need not be there when the port is.
        if openssl s_client -connect "127.0.0.1:$(field port)" -CAfile "$tls/ca.pem" -verify_return_error \
            </dev/null >/dev/null 2>&1 && grep -q "Created default superuser role" "$node/system.log"; then
            say "Cassandra is ready on port $(field port), with TLS and a password"
            return 0
        fi
        sleep 0.2
    done
    die "the node speaks no TLS, or has no user: see $node/system.log"
}

# The state file is one line of JSON; this shell needs no more than whole numbers of it.
field() { sed -n "s/.*\"$1\": \([0-9]*\).*/\1/p" "$DIR/cluster.json"; }

environment() {
    local hosts=127.0.0.1 node
    [ -e "$DIR/cluster.json" ] || die "Cassandra was never started: scripts/cassandra.sh start $NAME"
    for ((node = 2; node <= $(field nodes); node++)); do hosts+=",127.0.0.$node"; done
    printf 'export SCYLLA_HOSTS=%q SCYLLA_PORT=%q\n' "$hosts" "$(field port)"
    [ -e "$DIR/tls/ca.pem" ] || return 0
    printf 'export SCYLLA_TLS=true SCYLLA_CA_FILE=%q SCYLLA_USERNAME=cassandra SCYLLA_PASSWORD=cassandra\n' \
        "$DIR/tls/ca.pem"
}

case $COMMAND in
find) find_launcher ;;
fetch) fetch ;;
start) start "${@:3}" ;;
secure) secure ;;
stop) [ ! -e "$DIR/cluster.json" ] || run stop "$DIR" ;;
kill | pause | resume | revive) run "$COMMAND" "$DIR" "${3:-1}" ;;
status) run status "$DIR" ;;
env) environment ;;
reset)
    if [ -e "$DIR/cluster.json" ]; then run stop "$DIR" || true; fi
    rm -rf "$DIR"
    ;;
*) usage ;;
esac
