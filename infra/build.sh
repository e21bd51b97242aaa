#!/usr/bin/env bash
# Builds the local stack's command, and says how far it is: a machine that never built it compiles for a minute.
#
#   infra/build.sh OUTPUT [FLAG...]
#
# What go prints besides the packages that it compiles and downloads comes through, and so does its exit status.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

output=$1
shift
live=0
if [ -t 2 ] && [ "${TERM-dumb}" != dumb ]; then live=1; fi

go build -v -buildvcs=false "$@" -o "$output" ./infra/local 2>&1 | awk -v live="$live" '
  function tell(what) {
    if (live) printf "\r\033[K  %s", what
    else if (done == 1 || done % 50 == 0) print "  " what
    fflush()
  }
  /^go: downloading / { done++; tell("downloading " $3 " ..."); next }
  /^[^ :]+$/          { done++; tell("building the local stack: " ++packages " packages ..."); next }
  { if (live) printf "\r\033[K"; print; fflush() }
  END { if (live) printf "\r\033[K" }
' >&2
