# A private nats-server with JetStream on loopback. Sourced by services.sh; STATE is the state directory.
# shellcheck shell=bash

# The first line that a NATS server sends is INFO and its description.
nats_answers() {
    local line
    exec 7<>"/dev/tcp/127.0.0.1/$1" || return 1
    IFS= read -r -t 2 line <&7
    exec 7>&-
    [[ $line == INFO*'"jetstream":true'* ]]
}

# Every key of the jetstream block stands on a line of its own: nats-server wants it so.
write_nats_configuration() {
    cat >"$STATE/nats.conf" <<CONF
listen: "127.0.0.1:$1"
http: "127.0.0.1:$2"
server_name: "timingle-$NAME"
max_payload: 1MB
jetstream {
  store_dir: "$STATE/nats"
  sync_interval: always
  max_memory_store: 64MB
  max_file_store: 4GB
}
CONF
}

start_nats() {
    local port monitor attempt
    if is_ours "$STATE/nats.pid" && port=$(cat "$STATE/nats.port" 2>/dev/null) && (nats_answers "$port") 2>/dev/null; then
        return 0
    fi
    stop_nats
    for attempt in 1 2 3 4 5; do
        port=$(kept_port nats)
        monitor=$(kept_port nats.monitor)
        while [ "$monitor" = "$port" ]; do
            rm -f "$STATE/nats.monitor.port"
            monitor=$(kept_port nats.monitor)
        done
        write_nats_configuration "$port" "$monitor"
        start_daemon "$STATE/nats.pid" "$STATE/nats.log" "$VENV/bin/nats-server" --config "$STATE/nats.conf"
        if wait_ready nats-server 30 "$STATE/nats.pid" "$STATE/nats.log" nats_answers_quietly "$port"; then return 0; fi
        stop_nats
        # Once more on the same port, then on others.
        if [ "$attempt" -gt 1 ]; then rm -f "$STATE/nats.port" "$STATE/nats.monitor.port"; fi
        warn "nats-server did not start (attempt $attempt)"
    done
    die "nats-server does not start; see $STATE/nats.log"
}

# In a shell of its own: a refused connection ends it.
nats_answers_quietly() { (nats_answers "$1") 2>/dev/null; }

stop_nats() { stop_daemon "$STATE/nats.pid" nats-server TERM 15; }
remove_nats() { rm -rf "$STATE/nats" "$STATE"/nats.*; }
