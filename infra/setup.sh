#!/usr/bin/env bash
# Makes sure that what `make run` and `make test` need is there: Go, Java and npm. Says what it finds, one line each.
# On Debian and Ubuntu it installs what is missing; elsewhere it says how. Running it again costs nothing.
#
#   infra/setup.sh           asks before it installs, when there is a terminal to ask at
#   infra/setup.sh --yes     doesn't ask
#   infra/setup.sh --check   only looks
#
# Ends with 0 when everything is there, 1 when something is missing, 2 when it is called wrongly.
set -euo pipefail

readonly JAVA_MIN=17    # DynamoDB Local
readonly NODE_MIN=18    # npm, which fetches DynamoDB Local
readonly NODE_LINT=20   # the validator of template.yaml
readonly GO_SWITCH=1.21 # from here on, Go fetches the version that go.mod wants by itself

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
go_min=$(awk '$1 == "go" { print $2; exit }' "$root/go.mod")
readonly root go_min

main() {
  local mode=ask
  case "${1-}" in
    '') ;;
    -y | --yes) mode=yes ;;
    --check) mode=check ;;
    -h | --help) sed -n '2,/^set/{/^#/s/^# \{0,1\}//p;}' "${BASH_SOURCE[0]}"; return 0 ;;
    *) echo "setup: unknown option $1 (--yes, --check)" >&2; return 2 ;;
  esac

  local missing=0 tool
  for tool in go java npm; do
    "check_$tool" && continue
    if [ "$mode" = check ] || ! supply "$tool" "$mode"; then
      missing=1
    fi
  done
  return "$missing"
}

# --- what is there: each says so, and fails when it isn't enough ---------------------------------------------------

check_go() {
  local have switch
  command -v go >/dev/null || { found Go "missing, $go_min or later is needed"; return 1; }
  have=$(cd / && GOTOOLCHAIN=local go env GOVERSION) && have=${have#go} && have=${have%% *}
  if at_least "$have" "$go_min"; then
    found Go "$have"
    return 0
  fi
  switch=$(cd / && go env GOTOOLCHAIN)
  case "$switch" in
    *auto*)
      if at_least "$have" "$GO_SWITCH"; then
        found Go "$have, which fetches $go_min by itself"
        return 0
      fi
      ;;
  esac
  found Go "$have, too old: $go_min or later is needed"
  return 1
}

check_java() {
  local have=
  if command -v java >/dev/null; then
    have=$(java -version 2>&1 | sed -n 's/^.* version "\([0-9][0-9.]*\).*$/\1/p' | head -n 1) || true
  fi
  if [ -z "$have" ]; then # on macOS there is a java that only says that there is none
    found Java "missing, $JAVA_MIN or later is needed"
    return 1
  fi
  if ! at_least "$have" "$JAVA_MIN"; then
    found Java "$have, too old: $JAVA_MIN or later is needed"
    return 1
  fi
  found Java "$have"
}

check_npm() {
  local node
  if ! command -v npm >/dev/null || ! command -v node >/dev/null; then
    found npm "missing, with Node $NODE_LINT or later"
    return 1
  fi
  node=$(node --version) && node=${node#v}
  if ! at_least "$node" "$NODE_MIN"; then
    found npm "with Node $node, too old: $NODE_LINT or later is wanted"
    return 1
  fi
  if ! at_least "$node" "$NODE_LINT"; then
    found npm "with Node $node, enough here; validating template.yaml takes Node $NODE_LINT"
    return 0
  fi
  found npm "with Node $node"
}

# --- what isn't there ----------------------------------------------------------------------------------------------

# supply TOOL MODE gets a tool, or says how to.
supply() {
  local tool=$1 mode=$2 packages
  if ! command -v apt-get >/dev/null; then
    advise "$tool"
    return 1
  fi
  apt_refresh
  packages=$("apt_$tool")
  if [ -z "$packages" ]; then
    echo "  This system's packages have no $tool that is new enough." >&2
    advise "$tool"
    return 1
  fi
  apt_install "$mode" "$packages" || return 1
  hash -r
  "check_$tool" || { advise "$tool"; return 1; }
}

# apt_TOOL prints the packages that bring a tool new enough, or nothing.
apt_go() {
  if at_least "$(apt_version golang-go)" "$GO_SWITCH"; then
    echo golang-go
  fi
}

apt_java() {
  local version
  for version in 17 21 25; do
    if [ -n "$(apt_version "openjdk-$version-jre-headless")" ]; then
      echo "openjdk-$version-jre-headless"
      return
    fi
  done
}

apt_npm() {
  if command -v node >/dev/null && at_least "$(node --version | tr -d v)" "$NODE_MIN"; then
    [ -z "$(apt_version npm)" ] || echo npm
  elif at_least "$(apt_version nodejs)" "$NODE_MIN"; then
    echo nodejs npm
  fi
}

# apt_version PACKAGE prints the version that would be installed: 17.0.15 of "17.0.15+6-1~deb12u1", 1.19 of "2:1.19~1".
apt_version() {
  apt-cache policy "$1" 2>/dev/null | sed -n 's/^ *Candidate: \([0-9]*:\)\{0,1\}\([0-9][0-9.]*\).*$/\2/p'
}

refreshed=
apt_refresh() {
  [ -z "$refreshed" ] || return 0
  refreshed=yes
  # A fresh container has no lists at all; old lists do until an installation fails.
  if [ -z "$(apt_version bash)" ]; then
    as_root apt-get update -qq || true
  fi
}

apt_install() {
  local mode=$1 packages=$2 answer
  if [ "$mode" = ask ] && [ -t 0 ]; then
    read -r -p "  Install $packages with apt-get? [Y/n] " answer
    case "$answer" in
      '' | [yY]*) ;;
      *) return 1 ;;
    esac
  fi
  echo "  Installing $packages ..."
  # shellcheck disable=SC2086 # several packages in one word list
  if ! as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages >/dev/null; then
    as_root apt-get update -qq &&
      as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages >/dev/null
  fi
}

as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    echo "  This needs root, and there is no sudo. As root: $*" >&2
    return 1
  fi
}

# advise TOOL says how to get it by hand.
advise() {
  if command -v brew >/dev/null; then
    case "$1" in
      go) echo "  Get it with: brew install go" ;;
      java) echo "  Get it with: brew install openjdk@21, then put \$(brew --prefix openjdk@21)/bin in front of PATH" ;;
      npm) echo "  Get it with: brew install node" ;;
    esac
    return
  fi
  if command -v dnf >/dev/null; then
    case "$1" in
      go) echo "  Get it with: sudo dnf install golang" ;;
      java) echo "  Get it with: sudo dnf install java-21-openjdk-headless" ;;
      npm) echo "  Get it with: sudo dnf install nodejs npm" ;;
    esac
    return
  fi
  case "$1" in
    go) echo "  Get Go $go_min or later from https://go.dev/dl/: unpack it to /usr/local, put /usr/local/go/bin in front of PATH." ;;
    java) echo "  Get Java $JAVA_MIN or later from https://adoptium.net/ and put its bin folder in front of PATH." ;;
    npm) echo "  Get Node $NODE_LINT or later, which brings npm, from https://nodejs.org/ and put its bin folder in front of PATH." ;;
  esac
} >&2

# --- words and numbers ---------------------------------------------------------------------------------------------

found() { printf '%-5s %s\n' "$1" "$2"; }

# at_least HAVE WANT compares dotted versions, number by number; what isn't a number counts as none.
at_least() {
  local have=$1 want=$2 h w
  while [ -n "$want" ]; do
    h=${have%%.*} w=${want%%.*}
    h=${h%%[!0-9]*} w=${w%%[!0-9]*}
    if [ "${h:-0}" -ne "${w:-0}" ]; then
      [ "${h:-0}" -gt "${w:-0}" ]
      return
    fi
    case "$have" in *.*) have=${have#*.} ;; *) have= ;; esac
    case "$want" in *.*) want=${want#*.} ;; *) want= ;; esac
  done
}

main "$@"
