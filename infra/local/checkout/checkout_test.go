package checkout_test

import (
	"os"
	"path/filepath"
	"testing"

	"billingcentre/infra/local/checkout"
)

func TestRootIsFoundFromBelow(t *testing.T) {
	root, err := checkout.Root()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(root, "infra", "local", "checkout")); err != nil {
		t.Errorf("Root() = %s, which isn't the repository: %v", root, err)
	}
}

func TestRootSkipsModulesOfTools(t *testing.T) {
	outer := t.TempDir()
	inner := filepath.Join(outer, "infra", "tools")
	if err := os.MkdirAll(inner, 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(outer, "go.mod"), "module billingcentre\n\ngo 1.26.0\n")
	write(t, filepath.Join(inner, "go.mod"), "module billingcentre/infra/tools\n")
	t.Chdir(inner)
	got, err := checkout.Root()
	if err != nil {
		t.Fatal(err)
	}
	if want, _ := filepath.EvalSymlinks(outer); got != want && got != outer {
		t.Errorf("Root() = %s, want %s", got, outer)
	}
}

func TestRootOutsideIsAnError(t *testing.T) {
	t.Chdir(t.TempDir())
	if root, err := checkout.Root(); err == nil {
		t.Errorf("Root() outside of a checkout = %s, want an error", root)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
