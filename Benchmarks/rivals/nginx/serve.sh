#!/usr/bin/env bash
# nginx as the bare listener's rival, HTTP only: one process, 15 bytes of JSON, connections kept. serve.sh PORT
set -euo pipefail
directory=$(mktemp -d -p "${TMPDIR:-/tmp}")
cat >"$directory/nginx.conf" <<CONF
daemon off;
master_process off;
worker_processes 1;
pid $directory/pid;
error_log /dev/null;
events { worker_connections 4096; }
http {
    access_log off;
    tcp_nodelay on;
    keepalive_requests 1000000000;
    client_body_temp_path $directory;
    proxy_temp_path $directory;
    fastcgi_temp_path $directory;
    uwsgi_temp_path $directory;
    scgi_temp_path $directory;
    server {
        listen 127.0.0.1:$1 backlog=4096;
        default_type application/json;
        location / { return 200 '{"hello":"you"}'; }
    }
}
CONF
exec nginx -p "$directory" -c "$directory/nginx.conf"
