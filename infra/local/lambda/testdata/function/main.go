// The function that tests of the host run: it does what the event says.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

type request struct {
	Do   string `json:"do"`
	Text string `json:"text"`
	Size int    `json:"size"`
	Path string `json:"path"`
}

// refused is an error whose type's name callers see.
type refused struct{ why string }

func (r *refused) Error() string { return r.why }

// breaking is a response that fails half-way.
type breaking struct{ half io.Reader }

func (b *breaking) Read(p []byte) (int, error) {
	if n, err := b.half.Read(p); err == nil {
		return n, nil
	}
	return 0, &refused{"it broke off"}
}

var invocations int

func handle(ctx context.Context, r request) (any, error) {
	invocations++
	switch r.Do {
	case "echo":
		return map[string]any{"text": r.Text, "pid": os.Getpid(), "invocations": invocations}, nil
	case "print":
		fmt.Println(r.Text)
		fmt.Fprintln(os.Stderr, "to stderr")
		fmt.Print("without an end")
		return nil, nil
	case "fail":
		return nil, &refused{r.Text}
	case "fail plainly":
		return nil, errors.New(r.Text)
	case "panic":
		panic(r.Text)
	case "exit":
		os.Exit(7)
	case "big":
		return strings.Repeat("x", r.Size-2), nil
	case "break off":
		return &breaking{strings.NewReader(`{"half":`)}, nil
	case "environment":
		return os.Environ(), nil
	case "context":
		deadline, _ := ctx.Deadline()
		lc, _ := lambdacontext.FromContext(ctx)
		return map[string]any{
			"left_ms": time.Until(deadline).Milliseconds(), "deadline_ms": deadline.UnixMilli(), "request": lc.AwsRequestID,
			"arn": lc.InvokedFunctionArn, "trace": os.Getenv("_X_AMZN_TRACE_ID"),
		}, nil
	case "sleep":
		time.Sleep(time.Hour)
	case "rendezvous": // announces itself, then waits for a file
		if err := os.WriteFile(fmt.Sprintf("%s.%d", r.Path, os.Getpid()), nil, 0o600); err != nil {
			return nil, err
		}
		for {
			if _, err := os.Stat(r.Path); err == nil {
				return os.Getpid(), nil
			}
			time.Sleep(2 * time.Millisecond)
		}
	}
	return nil, fmt.Errorf("can't do %q", r.Do)
}

func main() {
	switch os.Getenv("START") {
	case "exit":
		os.Exit(3)
	case "hang":
		time.Sleep(time.Hour)
	case "report":
		report()
	case "once":
		// a runtime that ends after its first start, unless told otherwise
		if _, err := os.Stat(os.Getenv("MARK")); err != nil {
			_ = os.WriteFile(os.Getenv("MARK"), nil, 0o600)
			os.Exit(4)
		}
	}
	if os.Getenv("SIGTERM") != "" {
		lambda.StartWithOptions(handle, lambda.WithEnableSIGTERM(func() { fmt.Println("told to end"); os.Exit(0) }))
	}
	lambda.Start(handle)
}
