# A private Redis on loopback. Sourced by services.sh; STATE is the state directory.
# shellcheck shell=bash

redis_answers() { [ "$(redis-cli -h 127.0.0.1 -p "$1" ping)" = PONG ]; }

start_redis() {
    local durability=$1 port attempt
    if is_ours "$STATE/redis.pid" && port=$(cat "$STATE/redis.port" 2>/dev/null) && redis_answers "$port" >/dev/null 2>&1; then
        return 0
    fi
    stop_redis
    mkdir -p "$STATE/redis"
    # Refresh tokens live here: what is kept is kept safely.
    local keep=(--save '' --appendonly yes --appendfsync always)
    [ "$durability" = throwaway ] && keep=(--save '' --appendonly no)
    for attempt in 1 2 3 4 5; do
        port=$(kept_port redis)
        start_daemon "$STATE/redis.pid" "$STATE/redis.log" \
            redis-server --bind 127.0.0.1 --port "$port" --dir "$STATE/redis" --daemonize no "${keep[@]}"
        if wait_ready Redis 30 "$STATE/redis.pid" "$STATE/redis.log" redis_answers "$port"; then return 0; fi
        stop_redis
        # Once more on the same port, then on others.
        if [ "$attempt" -gt 1 ]; then rm -f "$STATE/redis.port"; fi
        warn "Redis did not start (attempt $attempt)"
    done
    die "Redis does not start; see $STATE/redis.log"
}

stop_redis() { stop_daemon "$STATE/redis.pid" Redis TERM 15; }
remove_redis() { rm -rf "$STATE/redis" "$STATE"/redis.*; }
