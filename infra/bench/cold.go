package main

import (
	"archive/zip"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"billingcentre/infra/local/build"
	"billingcentre/infra/local/checkout"
)

const starts = 15

// coldStarts measures how long each function needs from the start of its process to its first request for an event,
// beside the smallest function there is, in turn, and how large its package is. Secrets are answered at once, from
// this machine.
func coldStarts(ctx context.Context) error {
	binaries, err := build.Functions(ctx, build.Options{})
	if err != nil {
		return err
	}
	root, err := checkout.Root()
	if err != nil {
		return err
	}
	hello := filepath.Join(root, ".build", "hello", "bootstrap")
	if err := compileHello(ctx, root, hello); err != nil {
		return err
	}
	fmt.Printf("\n| function | package MB (%s) | init ms | hello world ms | ratio |\n|---|---|---|---|---|\n", runtime.GOARCH)
	names, err := build.Names(root)
	if err != nil {
		return err
	}
	for _, name := range names {
		size, err := packed(binaries[name])
		if err != nil {
			return err
		}
		own, least, err := sideBySide(ctx, binaries[name], hello)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		fmt.Printf("| %s | %.1f | %.1f | %.1f | %.2f |\n", name, float64(size)/1e6, own, least, own/least)
	}
	return nil
}

func compileHello(ctx context.Context, root, to string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-tags", "lambda.norpc", "-trimpath", "-ldflags", "-s -w", "-o", to, "./infra/bench/hello")
	cmd.Dir, cmd.Env, cmd.Stderr = root, append(os.Environ(), "CGO_ENABLED=0"), os.Stderr
	return cmd.Run()
}

// packed is the size of a binary as the zip that is deployed.
func packed(binary string) (int64, error) {
	file, err := os.Open(binary)
	if err != nil {
		return 0, err
	}
	defer file.Close() //nolint:errcheck // it was only read
	var size counter
	z := zip.NewWriter(&size)
	entry, err := z.Create("bootstrap")
	if err != nil {
		return 0, err
	}
	if _, err := io.Copy(entry, file); err != nil {
		return 0, err
	}
	return int64(size), z.Close()
}

type counter int64

func (c *counter) Write(b []byte) (int, error) { *c += counter(len(b)); return len(b), nil }

// sideBySide is the median of both binaries' starts, in turn.
func sideBySide(ctx context.Context, one, other string) (a, b float64, err error) {
	var as, bs []float64
	for range starts {
		for _, start := range []struct {
			binary string
			into   *[]float64
		}{{one, &as}, {other, &bs}} {
			took, err := start1(ctx, start.binary)
			if err != nil {
				return 0, 0, err
			}
			*start.into = append(*start.into, ms(took))
		}
	}
	slices.Sort(as)
	slices.Sort(bs)
	return as[starts/2], bs[starts/2], nil
}

// start1 starts a function under a runtime API that has no event for it, and takes the time until it asks for one. A
// secret is answered at once.
func start1(ctx context.Context, binary string) (time.Duration, error) {
	asked := make(chan time.Time, 1)
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/2018-06-01/runtime/invocation/next" {
			http.Error(w, "not here", http.StatusNotFound)
			return
		}
		asked <- time.Now()
		<-r.Context().Done()
	}))
	defer api.Close()
	secrets := httptest.NewServer(http.HandlerFunc(secret))
	defer secrets.Close()
	cmd := exec.CommandContext(ctx, binary)
	cmd.Env = environment(api.Listener.Addr().String(), secrets.URL)
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	defer func() {
		cmd.Process.Kill() //nolint:errcheck // it may have ended
		cmd.Wait()         //nolint:errcheck // killed processes fail
	}()
	select {
	case at := <-asked:
		return at.Sub(began), nil
	case <-time.After(10 * time.Second):
		return 0, fmt.Errorf("it never asked for an event")
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

func environment(api, secrets string) []string {
	return []string{
		"AWS_LAMBDA_RUNTIME_API=" + api, "AWS_LAMBDA_FUNCTION_NAME=bench", "AWS_REGION=local", "AWS_ACCESS_KEY_ID=bench",
		"AWS_SECRET_ACCESS_KEY=bench", "TABLE_NAME=bench", "BILL_QUEUE_URL=" + queue, "SECRET_ARN=centre", "ALIPAY_SECRET_ARN=alipay",
		"ALIPAY_MODE=sandbox", "ALIPAY_NOTIFY_URL=https://bench.example.com/v1/payments/alipay/notices", "AWS_ENDPOINT_URL_SECRETS_MANAGER=" + secrets,
	}
}
