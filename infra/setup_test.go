package infra_test

import (
	"bytes"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// What a machine may have, as small programs that answer as the real ones do.
const (
	go126    = `case "$2" in GOVERSION) echo go1.26.8 ;; *) echo auto ;; esac`
	go121    = `case "$2" in GOVERSION) echo go1.21.3 ;; *) echo auto ;; esac`
	go119    = `case "$2" in GOVERSION) echo go1.19.8 ;; *) echo ;; esac`
	goPinned = `case "$2" in GOVERSION) echo go1.24.0 ;; *) echo local ;; esac`
	java17   = `echo 'openjdk version "17.0.15" 2025-04-15' >&2`
	java8    = `echo 'java version "1.8.0_402"' >&2`
	javaStub = `echo 'The operation could not be completed. Unable to locate a Java Runtime.' >&2; exit 1`
	node20   = `echo v20.20.2`
	node18   = `echo v18.19.0`
	node12   = `echo v12.22.12`
	npm      = `echo 10.0.0`
)

// apt is Debian's, with one candidate per package; what it installs appears on the machine.
const (
	aptCache = `case "$2" in
bash) v=5.2.15-2 ;; openjdk-17-jre-headless) v=17.0.15+6-1~deb12u1 ;; nodejs) v=20.19.2+dfsg-1 ;; npm) v=9.2.0~ds1-1 ;; golang-go) v=2:1.19~1 ;;
*) exit 0 ;; esac; printf '%s:\n  Installed: (none)\n  Candidate: %s\n' "$2" "$v"`
	aptGet = `echo "$@" >> "$HERE/installed"
case "$*" in *openjdk-17*) put java "echo 'openjdk version \"17.0.15\"' >&2" ;; esac
case "$*" in *nodejs*) put node 'echo v20.19.2' ;; esac
case "$*" in *npm*) put npm 'echo 9.2.0' ;; esac`
)

func TestSetup(t *testing.T) {
	for _, row := range []struct {
		name      string
		machine   map[string]string
		args      []string
		fails     bool
		says      []string
		installed string // what apt-get was told, in part; "" means that it was not called
	}{
		{
			name: "all is there", machine: map[string]string{"go": go126, "java": java17, "node": node20, "npm": npm},
			says: []string{"Go    1.26.8\n", "Java  17.0.15\n", "npm   with Node 20.20.2\n"},
		},
		{
			name: "Go 1.21 fetches what go.mod wants", machine: map[string]string{"go": go121, "java": java17, "node": node20, "npm": npm},
			says: []string{"Go    1.21.3, which fetches"},
		},
		{
			name: "unless it is told not to", machine: map[string]string{"go": goPinned, "java": java17, "node": node20, "npm": npm}, fails: true,
			says: []string{"Go    1.24.0, too old", "https://go.dev/dl/"},
		},
		{
			name: "an older Node will do, but not for all", machine: map[string]string{"go": go126, "java": java17, "node": node18, "npm": npm},
			says: []string{"npm   with Node 18.19.0, enough here"},
		},
		{
			name: "what is missing is got on Debian", machine: map[string]string{"go": go126, "apt-get": aptGet, "apt-cache": aptCache}, args: []string{"--yes"},
			says: []string{"Java  missing", "Installing openjdk-17-jre-headless", "Java  17.0.15", "Installing nodejs npm"}, installed: "openjdk-17-jre-headless",
		},
		{
			name: "what is too old, too", machine: map[string]string{"go": go126, "java": java8, "node": node12, "npm": npm, "apt-get": aptGet, "apt-cache": aptCache},
			says: []string{"Java  1.8.0, too old", "npm   with Node 12.22.12, too old"}, installed: "nodejs npm",
		},
		{
			name: "Debian's Go may be too old itself", machine: map[string]string{"go": go119, "java": java17, "node": node20, "npm": npm, "apt-get": aptGet, "apt-cache": aptCache},
			fails: true, says: []string{"Go    1.19.8, too old", "no go that is new enough", "https://go.dev/dl/"},
		},
		{
			name: "only looking installs nothing", machine: map[string]string{"apt-get": aptGet, "apt-cache": aptCache}, args: []string{"--check"}, fails: true,
			says: []string{"Go    missing", "Java  missing", "npm   missing"},
		},
		{
			name: "macOS has a java that isn't one", machine: map[string]string{"go": go126, "java": javaStub, "node": node20, "npm": npm, "brew": "exit 0"}, fails: true,
			says: []string{"Java  missing", "brew install openjdk@21"},
		},
		{name: "an unknown option", machine: nil, args: []string{"--force"}, fails: true, says: []string{"unknown option --force"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			bin := machine(t, row.machine)
			cmd := exec.Command(filepath.Join(bin, "bash"), append([]string{"setup.sh"}, row.args...)...)
			cmd.Env = []string{"PATH=" + bin, "HERE=" + bin}
			var said bytes.Buffer
			cmd.Stdout, cmd.Stderr = &said, &said
			if err := cmd.Run(); (err != nil) != row.fails {
				t.Errorf("it ended with %v, want a failure: %v", err, row.fails)
			}
			for _, want := range row.says {
				if !strings.Contains(said.String(), want) {
					t.Errorf("it doesn't say %q", want)
				}
			}
			told, _ := os.ReadFile(filepath.Join(bin, "installed")) // none when apt-get wasn't called
			if row.installed == "" && len(told) > 0 || !strings.Contains(string(told), row.installed) {
				t.Errorf("apt-get was told %q, want %q", told, row.installed)
			}
			if t.Failed() {
				t.Logf("it said:\n%s", &said)
			}
		})
	}
}

// machine is a folder for PATH with the tools of any system, and of the given ones only those.
func machine(t *testing.T, programs map[string]string) (bin string) {
	t.Helper()
	bin = t.TempDir()
	for _, tool := range []string{"bash", "sh", "awk", "sed", "head", "tr", "cat", "chmod", "dirname", "env"} {
		path, err := exec.LookPath(tool)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(path, filepath.Join(bin, tool)); err != nil {
			t.Fatal(err)
		}
	}
	const put = `put() { printf '#!/bin/sh\n%s\n' "$2" > "$HERE/$1"; chmod +x "$HERE/$1"; }` + "\n"
	all := map[string]string{"id": "echo 0"}
	maps.Copy(all, programs)
	for name, script := range all {
		if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"+put+script+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return bin
}
