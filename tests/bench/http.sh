#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The HTTP server of the examples beside nginx, by wrk: tests/bench/http.sh BUILD [ROUNDS]. Needs nginx-light and wrk.
#
# Both have one thread for all clients, send by sendfile(2), and write no log. They run in turns; figures are requests a
# second, medians, and the ratio that of those of one round.
set -eu -o pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=$(cd "$1" && pwd)
rounds=${2:-5}
tmp=$(mktemp -d)
trap 'kill "${pids[@]}" 2>/dev/null || true; rm -rf "$tmp"' EXIT
pids=()
chmod 755 "$tmp"
mkdir "$tmp/www"
head -c 1000 /dev/urandom >"$tmp/www/small"
head -c 1000000 /dev/urandom >"$tmp/www/large"
chmod 644 "$tmp/www"/*

sed "s/^\[runtime\]/&\nthreads = 0/" "$root/examples/http_server.ini" >"$tmp/http.ini"
chmod 644 "$tmp/http.ini"
mkfifo "$tmp/said"
TRALE_CONFIG=$tmp/http.ini TRALE_DRIVERS=$build/drivers "$build/examples/http_server" "$tmp/www" >"$tmp/said" &
pids+=($!)
read -r _ _ trale <"$tmp/said"

# nginx takes no port of the kernel's choice: the one after trale's.
nginx=127.0.0.1:$((${trale##*:} + 1))
cat >"$tmp/nginx.conf" <<NGINX
daemon off; worker_processes 1; pid $tmp/pid; error_log stderr crit; user $(id -un);
events { worker_connections 1024; }
http { access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000; default_type application/octet-stream;
       client_body_temp_path $tmp/b; proxy_temp_path $tmp/p; fastcgi_temp_path $tmp/f; uwsgi_temp_path $tmp/u;
       scgi_temp_path $tmp/s; server { listen $nginx; root $tmp/www; } }
NGINX
nginx -c "$tmp/nginx.conf" &
pids+=($!)
sleep 1

rate() {
    wrk -t 1 -c "$1" -d 3 "http://$2/$3" | awk '/Requests\/sec/ { print $2 } /Non-2xx/ { exit 1 }'
}

for file in small large; do
    for clients in 1 64; do
        for ((round = 0; round < rounds; round++)); do
            if ((round % 2)); then
                n=$(rate "$clients" "$nginx" "$file") t=$(rate "$clients" "$trale" "$file")
            else
                t=$(rate "$clients" "$trale" "$file") n=$(rate "$clients" "$nginx" "$file")
            fi
            echo "$t $n"
        done | python3 -c '
import statistics, sys
rates = [[float(rate) for rate in line.split()] for line in sys.stdin]
trale, nginx, ratio = (statistics.median(values) for values in zip(*[(t, n, t / n) for t, n in rates]))
print(f"{sys.argv[1]}: trale {trale:.0f}, nginx {nginx:.0f} requests a second; trale / nginx {ratio:.2f}")' \
            "$file, $clients clients"
    done
done
