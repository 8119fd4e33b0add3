#!/usr/bin/env bash
# Scan a library with the cores of several machines.
#
# Every machine needs the library under the same path, and the same versions of Python's
# packages: pip install 'genretag[dask]'. The machine that scans decides and writes; the
# others only read. Anyone who reaches the scheduler's port can run programs on all of them:
# use it on a network that you trust.
#
#   nas$     dask scheduler --host 0.0.0.0 --port 8786
#   desktop$ dask worker tcp://nas:8786 --nthreads 8
#   laptop$  dask worker tcp://nas:8786 --nthreads 4
#   nas$     genretag scan /music --dask tcp://nas:8786
#
# One worker a machine is enough: each thread hears with a process of its own.
#
# This script does the same with two workers on this machine:
#
#   examples/dask_cluster.sh ~/Music --dry-run
set -euo pipefail

address=tcp://127.0.0.1:8786
export DASK_LOGGING__DISTRIBUTED=warning

dask scheduler --host 127.0.0.1 --port 8786 --no-dashboard &
scheduler=$!
dask worker "$address" --nthreads 2 --no-nanny --no-dashboard &
workers=$!
dask worker "$address" --nthreads 2 --no-nanny --no-dashboard &
workers="$workers $!"

# Workers first: one whose scheduler is gone takes long to end.
finish() {
    for process in $workers $scheduler; do
        kill "$process" 2>/dev/null || true
        wait "$process" || true
    done
}
trap finish EXIT

genretag scan --dask "$address" "$@"
