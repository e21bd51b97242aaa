package wholefile_test

import (
	"os"
	"path/filepath"
	"testing"

	"billingcentre/infra/local/wholefile"
)

func TestAFileIsReplacedAndNothingElseIsLeft(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "state.json")
	for _, text := range []string{"the first, which is longer", "the second"} {
		if err := wholefile.Write(path, []byte(text)); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(path)
		if err != nil || string(got) != text {
			t.Errorf("read %q, %v; want %q", got, err, text)
		}
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v: others may read it", info.Mode(), err)
	}
	only(t, folder, "state.json")
}

func TestAFileThatCannotBeReplacedLeavesNothing(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "taken")
	if err := os.MkdirAll(filepath.Join(path, "by a folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := wholefile.Write(path, []byte("text")); err == nil {
		t.Error("a folder was replaced by a file")
	}
	only(t, folder, "taken")
}

func only(t *testing.T, folder, name string) {
	t.Helper()
	files, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != 1 || files[0].Name() != name {
		t.Errorf("the folder holds %v, want only %s", files, name)
	}
}
