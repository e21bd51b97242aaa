#!/usr/bin/env bash
# Mutation testing of the packages that the money goes through: run.sh [PACKAGE...], such as shared/money. Changes the
# code in one place, runs the package's own tests, and wants them to fail; then in the next. README.md tells the outcome.
# It works on a copy, in .build/mutants, where each package's list of mutants stays as NAME.txt and NAME.json.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
repo=$(dirname "$(dirname "$here")")
out=$repo/.build/mutants
gremlins=$repo/.build/bin/gremlins
packages=("$@")
if [[ ${#packages[@]} -eq 0 ]]; then packages=(shared/money shared/wallet shared/ledger); fi
for package in "${packages[@]}"; do
  if ! compgen -G "$repo/$package/*.go" >/dev/null; then echo "mutants: $package is no package of this repository, such as shared/money" >&2; exit 2; fi
done

mkdir -p "$out" "$(dirname "$gremlins")"
if [[ ! -x "$gremlins" || "$here/go.mod" -nt "$gremlins" ]]; then
  echo 'mutants: building gremlins'
  go -C "$here" build -o "$gremlins" github.com/go-gremlins/gremlins/cmd/gremlins
fi

copy=$(mktemp -d "$out/copy.XXXXXX")
trap 'rm -rf "$copy"' EXIT
trap 'exit 130' INT TERM
mkdir "$copy/tree" "$copy/bin" "$copy/tmp"
(cd "$repo" && git ls-files -z --cached --others --exclude-standard -- go.mod go.sum template.yaml shared infra/local | xargs -0 cp --parents -t "$copy/tree")

# What gremlins takes for go. It asks for the tests' coverage, to leave out what no test reaches; but coverage doesn't
# count the expressions of a switch's cases, so it is told that all is covered, and tries everything. A mutant that runs
# for ever ends by the processor's time that it took, which doesn't depend on what else the machine does.
REAL_GO=$(command -v go)
export REAL_GO GOGC=off # a mutant is mostly compiled, and little
cat >"$copy/bin/go" <<'SHIM'
#!/usr/bin/env bash
case "$*" in
test*-coverprofile*) # test -cover -coverprofile FILE ./PACKAGE/...
  package=${5%/...}
  "$REAL_GO" test -count=1 "$package" || exit
  { echo 'mode: set'; for f in "$package"/*.go; do echo "billingcentre/${f#./}:1.1,100000.1 1 1"; done; } >"$4"
  ;;
test*) # without the tests of the tests, and those of what is imported: neither should be what kills
  rm -rf testdata/rapid ./*/*/testdata/rapid # what failed for another mutant
  ulimit -t 8 -v 4000000
  said=$("$REAL_GO" test -skip 'Planted|NoBugIsFound|PurePackages' "${@:2}" 2>&1) && exit
  if [[ $said == *'[build failed]'* ]]; then exit 2; fi # what doesn't compile isn't killed
  exit 1
  ;;
*) exec "$REAL_GO" "$@" ;;
esac
SHIM
chmod +x "$copy/bin/go"

cd "$copy/tree"
for package in "${packages[@]}"; do
  name=$(basename "$package")
  # -short leaves out the real DynamoDB and some rounds of random tests.
  PATH="$copy/bin:$PATH" TMPDIR="$copy/tmp" GOFLAGS='-short -vet=off -ldflags=-w -buildvcs=false' "$gremlins" unleash "./$package" \
    --invert-logical --invert-loopctrl --invert-assignments --remove-self-assignments \
    --exclude-files '(dynamo|memory|ledgertest)/' ${EXCEPT:+--exclude-files "$EXCEPT"} --workers "${WORKERS:-1}" --timeout-coefficient 40 --output "$out/$name.json" | tee "$out/$name.txt"
done

echo
for package in "${packages[@]}"; do
  awk -v package="$package" '
    $1 == "KILLED" { killed++ } $1 == "LIVED" { lived++; rest = rest "\n  lived      " $2 " " $4 } $1 == "TIMED" { late++; rest = rest "\n  timed out  " $3 " " $5 }
    $1 == "NOT" && $2 == "VIABLE" { none++ } $1 == "NOT" && $2 == "COVERED" { open++; rest = rest "\n  not covered " $3 " " $5 }
    END { all = killed + lived + late + open; printf "%s: %d mutants, %d killed, %d lived, %d timed out, %d not covered, %d that do not compile: %.1f%% killed%s\n",
      package, all, killed, lived, late, open, none, all ? 100 * killed / all : 0, rest }' "$out/$(basename "$package").txt"
done
