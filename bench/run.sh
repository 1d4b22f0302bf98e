#!/bin/sh
# The whole benchmark from nothing: run.sh [step …]; without steps: postgres data verify run cold report.
#
# Needs Debian's postgresql and wrk, and a Python with the platform and bench/requirements.txt installed.
# Environment: PYTHON (default python3), BENCH_WORK (default bench/work), PGPORT (default 55432), PGDATA,
# BENCH_RUN (further options for `bench.py run`), BENCH_OUT (default $BENCH_WORK/results.jsonl).
# Runs as root, too: PostgreSQL then runs as the user postgres, who must be able to enter BENCH_WORK.
set -eu
HERE=$(cd "$(dirname "$0")" && pwd)
: "${PYTHON:=python3}" "${BENCH_WORK:=$HERE/work}" "${PGPORT:=55432}"
mkdir -p "$BENCH_WORK"
BENCH_WORK=$(cd "$BENCH_WORK" && pwd)
: "${PGDATA:=$BENCH_WORK/pg/data}" "${BENCH_RUN:=}" "${BENCH_OUT:=$BENCH_WORK/results.jsonl}"
PATH=$PATH:$(ls -d /usr/lib/postgresql/*/bin | tail -1)
export BENCH_WORK PGPORT PGDATA PATH PYTHONPATH="$(dirname "$HERE")"

as_postgres() { # PostgreSQL refuses to run as root
  if [ "$(id -u)" = 0 ]; then su postgres -c "PATH='$PATH' $*"; else sh -c "$*"; fi
}

postgres() {
  if pg_isready -q -h 127.0.0.1 -p "$PGPORT"; then return; fi
  if [ ! -e "$PGDATA/PG_VERSION" ]; then
    mkdir -p "$PGDATA" "$BENCH_WORK/pg"
    if [ "$(id -u)" = 0 ]; then chown -R postgres:postgres "$BENCH_WORK/pg" "$PGDATA"; fi
    as_postgres "initdb -D '$PGDATA' -U postgres -E UTF8 --locale=C.UTF-8 -A trust" >/dev/null
    as_postgres "tee -a '$PGDATA/postgresql.conf'" >/dev/null <<CONF
listen_addresses = '127.0.0.1'
port = $PGPORT
unix_socket_directories = '$BENCH_WORK/pg'
shared_buffers = 2GB
effective_cache_size = 8GB
work_mem = 16MB
maintenance_work_mem = 512MB
max_connections = 200
max_wal_size = 4GB
jit = off
max_parallel_workers_per_gather = 0
random_page_cost = 1.1
CONF
  fi
  as_postgres "taskset -c 1 pg_ctl -D '$PGDATA' -l '$BENCH_WORK/pg/log' -w start"
}
data() { "$PYTHON" "$HERE/data.py"; }
verify() { "$PYTHON" "$HERE/bench.py" verify; }
run() { "$PYTHON" "$HERE/bench.py" run --out "$BENCH_OUT" $BENCH_RUN; }
cold() { "$PYTHON" "$HERE/bench.py" cold --out "$BENCH_OUT"; }
pgbench() { "$PYTHON" "$HERE/bench.py" pgbench --out "$BENCH_OUT"; }
report() { "$PYTHON" "$HERE/report.py" "$BENCH_OUT" | tee "$BENCH_WORK/report.md"; }
stop() { as_postgres "pg_ctl -D '$PGDATA' -m fast stop"; }

[ $# -gt 0 ] || set -- postgres data verify run cold report
for step in "$@"; do "$step"; done
