// Package build compiles the functions as they are deployed: static, stripped, without the net/rpc mode of old runtimes.
// Only system and architecture are the host's, where Lambda's are linux and arm64, since they are to run here.
//
// All functions go into one `go build`, which compiles what they share once and links them side by side; what hasn't
// changed is not even linked again. A test or a command that needs them just builds them.
package build

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"billingcentre/infra/local/checkout"
	"billingcentre/infra/local/lockfile"
)

// Options of a build. The zero value is right.
type Options struct {
	Root     string         // of the repository; "" looks for it
	Progress func(Progress) // is told of each package compiled; nil tells nobody
}

// Progress is a step of a build.
type Progress struct {
	Done int    // packages compiled so far; those that are up to date don't count
	What string // the package, or the module being downloaded
}

// Functions builds every function and returns the path of each bootstrap by the function's name, the name of its folder:
// .build/functions/<name>/bootstrap. A function that doesn't compile fails the build with the compiler's words.
func Functions(ctx context.Context, o Options) (map[string]string, error) {
	if o.Root == "" {
		root, err := checkout.Root()
		if err != nil {
			return nil, err
		}
		o.Root = root
	}
	names, err := Names(o.Root)
	if err != nil {
		return nil, err
	}
	folder := filepath.Join(o.Root, ".build")
	unlock, err := lockfile.Lock(ctx, filepath.Join(folder, "lock"))
	if err != nil {
		return nil, err
	}
	defer unlock()
	linked := filepath.Join(folder, "linked")
	if err := compile(ctx, o, names, linked); err != nil {
		return nil, err
	}
	bootstraps := make(map[string]string, len(names))
	for _, name := range names {
		path := filepath.Join(folder, "functions", name, "bootstrap")
		if err := place(filepath.Join(linked, name+suffix), path); err != nil {
			return nil, fmt.Errorf("build function %s: %w", name, err)
		}
		bootstraps[name] = path
	}
	return bootstraps, nil
}

// Names lists the functions, in order: the folders of functions/ with a main.go.
func Names(root string) ([]string, error) {
	mains, err := filepath.Glob(filepath.Join(root, "functions", "*", "main.go"))
	if err != nil {
		return nil, err
	}
	if len(mains) == 0 {
		return nil, fmt.Errorf("there is no function in %s", filepath.Join(root, "functions"))
	}
	names := make([]string, len(mains))
	for i, path := range mains {
		names[i] = filepath.Base(filepath.Dir(path))
	}
	return names, nil
}

// compile links the functions into a folder of their own, where go build finds what is up to date.
func compile(ctx context.Context, o Options, names []string, into string) error {
	if err := os.MkdirAll(into, 0o755); err != nil {
		return err
	}
	args := []string{"build", "-v", "-tags", "lambda.norpc", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", into + string(filepath.Separator)}
	for _, name := range names {
		args = append(args, "./functions/"+name)
	}
	said := &listener{progress: o.Progress}
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = o.Root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+goos, "GOARCH="+goarch)
	cmd.Stdout, cmd.Stderr = said, said
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return fmt.Errorf("build the functions: %w", ctx.Err())
		}
		return fmt.Errorf("build the functions: %w\n%s", err, strings.TrimSpace(said.complaints.String()))
	}
	return nil
}

// place copies a binary to where it runs from, unless the same is there: go build renews the time of what it leaves as it
// is. A running one keeps its file, as the copy is renamed over it.
func place(from, to string) error {
	same, err := sameContent(from, to)
	if err != nil || same {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	next := to + ".next"
	if err := copyFile(from, next); err != nil {
		return err
	}
	return os.Rename(next, to)
}

func sameContent(from, to string) (bool, error) {
	want, err := os.ReadFile(from)
	if err != nil {
		return false, err
	}
	got, err := os.ReadFile(to)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return bytes.Equal(want, got), err
}

func copyFile(from, to string) error {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	target, err := os.OpenFile(to, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(target, source)
	return errors.Join(err, target.Close())
}
