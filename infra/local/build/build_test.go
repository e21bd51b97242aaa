package build_test

import (
	"context"
	"crypto/rand"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"billingcentre/infra/local/build"
)

const hello = "package main\n\nfunc main() { println(\"hello\") }\n"

func TestEveryFunctionBecomesABootstrap(t *testing.T) {
	root := module(t, map[string]string{
		"functions/recharge/main.go":        hello + "// " + rand.Text() + "\n", // new to the compiler's cache
		"functions/bill-settlement/main.go": hello,
		"functions/notes/README.md":         "not a function",
	})
	var compiled []string
	got, err := build.Functions(t.Context(), build.Options{Root: root, Progress: func(p build.Progress) { compiled = append(compiled, p.What) }})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"bill-settlement": filepath.Join(root, ".build/functions/bill-settlement/bootstrap"),
		"recharge":        filepath.Join(root, ".build/functions/recharge/bootstrap"),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("bootstraps (-want +got):\n%s", diff)
	}
	for name, path := range got {
		if out, err := exec.Command(path).CombinedOutput(); err != nil || string(out) != "hello\n" {
			t.Errorf("%s prints %q, %v", name, out, err)
		}
	}
	if !slices.Contains(compiled, "billingcentre/functions/recharge") {
		t.Errorf("progress tells of %v", compiled)
	}
}

func TestOnlyWhatChangedIsReplaced(t *testing.T) {
	root := module(t, map[string]string{"functions/a/main.go": hello, "functions/b/main.go": hello})
	first := stat(t, functions(t, root))
	write(t, filepath.Join(root, "functions/b/main.go"), strings.ReplaceAll(hello, "hello", "changed"))
	second := stat(t, functions(t, root))
	if !os.SameFile(first["a"], second["a"]) {
		t.Error("a is replaced, and hadn't changed")
	}
	if os.SameFile(first["b"], second["b"]) {
		t.Error("b is not replaced, and had changed")
	}
}

func TestWhatDoesNotCompileIsToldInTheCompilersWords(t *testing.T) {
	root := module(t, map[string]string{"functions/a/main.go": hello, "functions/b/main.go": "package main\n\nfunc main() { undefined() }\n"})
	_, err := build.Functions(t.Context(), build.Options{Root: root})
	if err == nil || !strings.Contains(err.Error(), "main.go:3:15: undefined: undefined") {
		t.Errorf("got %v", err)
	}
}

func TestNoFunctionIsAnError(t *testing.T) {
	if _, err := build.Functions(t.Context(), build.Options{Root: module(t, nil)}); err == nil {
		t.Error("nothing was built, and that is fine?")
	}
}

func TestABuildCanBeGivenUp(t *testing.T) {
	root := module(t, map[string]string{"functions/a/main.go": hello})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := build.Functions(ctx, build.Options{Root: root}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
}

func functions(t *testing.T, root string) map[string]string {
	t.Helper()
	paths, err := build.Functions(t.Context(), build.Options{Root: root})
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

func stat(t *testing.T, paths map[string]string) map[string]os.FileInfo {
	t.Helper()
	infos := map[string]os.FileInfo{}
	for name, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		infos[name] = info
	}
	return infos
}

// module makes a module of its own, so that the test depends on no real function.
func module(t *testing.T, files map[string]string) (root string) {
	t.Helper()
	root = t.TempDir()
	write(t, filepath.Join(root, "go.mod"), "module billingcentre\n\ngo 1.26.0\n")
	for name, text := range files {
		write(t, filepath.Join(root, name), text)
	}
	return root
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
