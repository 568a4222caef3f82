#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The HTTP server of the examples beside nginx, by wrk: tests/bench/http.sh BUILD [ROUNDS]; see service.sh. Needs
# nginx-light and wrk. Both have one thread for all clients, send by sendfile(2), and write no log.
source "$(dirname "$0")/service.sh"
mkdir "$tmp/www"
head -c 1000 /dev/urandom >"$tmp/www/small"
head -c 1000000 /dev/urandom >"$tmp/www/large"
chmod 644 "$tmp/www"/*

sed "s/^\[runtime\]/&\nthreads = 0/" "$root/examples/http_server.ini" >"$tmp/http.ini"
serve_ours http_server "$tmp/http.ini" "$tmp/www"
cat >"$tmp/nginx.conf" <<NGINX
daemon off; worker_processes 1; pid $tmp/pid; error_log stderr crit; user $(id -un);
events { worker_connections 1024; }
http { access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000; default_type application/octet-stream;
       client_body_temp_path $tmp/b; proxy_temp_path $tmp/p; fastcgi_temp_path $tmp/f; uwsgi_temp_path $tmp/u;
       scgi_temp_path $tmp/s; server { listen 127.0.0.1:$next_port; root $tmp/www; } }
NGINX
serve nginx nginx -c "$tmp/nginx.conf"
declare -A ports=([http_server]=$port [nginx]=$next_port)
until_ready wrk -t 1 -c 1 -d 1 "http://127.0.0.1:$next_port/small"

# ask FILE CLIENTS NAME
ask() {
    local before after n rate
    before=$(cpu "$3")
    on 1 wrk -t 1 -c "$2" -d 3 "http://127.0.0.1:${ports[$3]}/$1" >"$tmp/wrk"
    after=$(cpu "$3")
    ! grep -E 'Non-2xx|Socket errors' "$tmp/wrk" >&2 || return 1
    n=$(awk '/ requests in / { print $1 }' "$tmp/wrk")
    awk '/Requests\/sec/ { print $2, "requests a second" }' "$tmp/wrk"
    awk -v n="$n" -v us=$((after - before)) 'BEGIN { print us / n, "us of CPU for a request" }'
}
# footprint NAME: while 64 clients ask.
footprint() {
    wrk -t 1 -c 64 -d 2 "http://127.0.0.1:${ports[$1]}/small" >"$tmp/wrk" &
    sleep 1
    echo "$(memory "$1") KiB"
    wait $!
}

heading http_server nginx
for file in small large; do
    for clients in 1 64; do
        compare "$([[ $file == small ]] && echo '1 KB' || echo '1 MB'), $clients connection$( ((clients == 1)) || echo s)" ask $file $clients
    done
done
compare 'memory with 64 connections' footprint
