#!/usr/bin/env bash
# Checks template.yaml (or the files named) with AWS's offline validator; installs it at its exact version when missing.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# npm ci leaves a copy of the lock inside node_modules: as long as ours isn't newer, what is installed is what is pinned.
if [[ ! -e "$here/node_modules/.package-lock.json" || "$here/package-lock.json" -nt "$here/node_modules/.package-lock.json" ]]; then
  npm --prefix "$here" ci --no-audit --no-fund --ignore-scripts --loglevel=error
fi
if [[ $# -eq 0 ]]; then set -- "$(dirname "$(dirname "$here")")/template.yaml"; fi
exec node "$here/validate.mjs" "$@"
