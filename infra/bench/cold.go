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
	"time"

	"billingcentre/infra/local/build"
	"billingcentre/infra/local/checkout"
)

const starts = 15

// coldStarts measures how long each function needs from the start of its process to its first request for an event,
// in turn with the smallest function there is, and with the smallest that has a client of DynamoDB; and how large its
// package is. Secrets are answered at once, from this machine.
func coldStarts(ctx context.Context) error {
	binaries, err := build.Functions(ctx, build.Options{})
	if err != nil {
		return err
	}
	root, err := checkout.Root()
	if err != nil {
		return err
	}
	hello, err := compiled(ctx, root, "hello")
	if err != nil {
		return err
	}
	client, err := compiled(ctx, root, "client")
	if err != nil {
		return err
	}
	names, err := build.Names(root)
	if err != nil {
		return err
	}
	fmt.Printf("\n| function | package MB (%s) | init ms | hello world ms | ratio | with a client ms | ratio |\n|---|---|---|---|---|---|---|\n", runtime.GOARCH)
	for _, name := range names {
		size, err := packed(binaries[name])
		if err != nil {
			return err
		}
		took, err := inTurn(ctx, binaries[name], hello, client)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		fmt.Printf("| %s | %.1f | %.1f | %.1f | %.2f | %.1f | %.2f |\n", name, float64(size)/1e6, took[0], took[1], took[0]/took[1], took[2], took[0]/took[2])
	}
	return nil
}

// compiled builds one of the functions beside this command.
func compiled(ctx context.Context, root, name string) (string, error) {
	binary := filepath.Join(root, ".build", "bench", name)
	cmd := exec.CommandContext(ctx, "go", "build", "-tags", "lambda.norpc", "-trimpath", "-ldflags", "-s -w", "-o", binary, "./infra/bench/"+name)
	cmd.Dir, cmd.Env, cmd.Stderr = root, append(os.Environ(), "CGO_ENABLED=0"), os.Stderr
	return binary, cmd.Run()
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

// inTurn is the median of the starts of each of several binaries, in turn.
func inTurn(ctx context.Context, binaries ...string) ([]float64, error) {
	took := make([][]float64, len(binaries))
	for range starts {
		for i, binary := range binaries {
			one, err := start(ctx, binary)
			if err != nil {
				return nil, err
			}
			took[i] = append(took[i], ms(one))
		}
	}
	medians := make([]float64, len(binaries))
	for i := range took {
		medians[i] = median(took[i])
	}
	return medians, nil
}

// start starts a function under a runtime API that has no event for it, and takes the time until it asks for one. A
// secret is answered at once.
func start(ctx context.Context, binary string) (time.Duration, error) {
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
		"NOTICE_QUEUE_URL=" + queue, "EXPORT_QUEUE_URL=" + queue, "EXPORT_BUCKET=bench", "EXPORT_DAYS=7", "PROVIDER_NAME=Bench",
		"MAIL_FROM=bench@example.com", "MAIL_CONFIGURATION_SET=bench",
		"AWS_LAMBDA_RUNTIME_API=" + api, "AWS_LAMBDA_FUNCTION_NAME=bench", "AWS_REGION=local", "AWS_ACCESS_KEY_ID=bench",
		"AWS_SECRET_ACCESS_KEY=bench", "TABLE_NAME=bench", "BILL_QUEUE_URL=" + queue, "MAX_RECEIVE_COUNT=20", "SECRET_ARN=centre", "ALIPAY_SECRET_ARN=alipay",
		"ALIPAY_MODE=sandbox", "ALIPAY_NOTIFY_URL=https://bench.example.com/v1/payments/alipay/notices", "AWS_ENDPOINT_URL_SECRETS_MANAGER=" + secrets,
	}
}
