#!/usr/bin/env bash
# Lints the repository: go vet, staticcheck, gofumpt. Anything they print fails it.
# The tools are built once into .build/bin, at the versions that go.mod beside this file pins.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
repo=$(dirname "$(dirname "$here")")
bin=$repo/.build/bin

build() { # build NAME PACKAGE: unless what is there is newer than the pins
  if [[ -x "$bin/$1" && "$bin/$1" -nt "$here/go.mod" ]]; then return; fi
  echo "lint: building $1"
  # Under a new name first: a lint that runs beside this one never meets half a tool.
  go -C "$here" build -o "$bin/$1.$$" "$2"
  mv "$bin/$1.$$" "$bin/$1"
}

mkdir -p "$bin"
build staticcheck honnef.co/go/tools/cmd/staticcheck
build gofumpt mvdan.cc/gofumpt

cd "$repo"
failed=0
echo 'lint: go vet'
go vet ./... || failed=1
echo 'lint: staticcheck'
"$bin/staticcheck" ./... || failed=1
echo 'lint: gofumpt'
unformatted=$("$bin/gofumpt" -l functions shared infra) || failed=1
if [[ -n "$unformatted" ]]; then
  printf 'not formatted (gofumpt -w FILE):\n%s\n' "$unformatted"
  failed=1
fi
if [[ $failed -eq 0 ]]; then echo 'lint: clean'; fi
exit $failed
