// Command bench measures what a settled bill costs: against the real DynamoDB Local, in memory, through the settlement
// of the function bill-settlement, with real SQS events.
//
//	go run ./infra/bench              the table (make bench)
//	go run ./infra/bench -json FILE   and one JSON object per case
//	go run ./infra/bench -case hot    only the cases whose name contains the word
//
// Every case runs three times, in turn with the bare substrate: the very same calls of DynamoDB, recorded before, sent
// through the bare SDK client without any of our logic. Efficiency is the ratio of the two within one round, so that the
// speed of the machine cancels out; of the rounds the median is told. Units are counted by AWS's documented rules
// (package meter), since DynamoDB Local misreports transactions.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"strings"
)

func main() {
	file := flag.String("json", "", "write the figures to this `file`")
	only := flag.String("case", "", "run only the cases whose name contains this `word`")
	cold := flag.Bool("cold", true, "measure cold starts and packages too")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *file, *only, *cold); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, file, only string, cold bool) error {
	fmt.Printf("DynamoDB Local in memory · %d CPUs · %s %s/%s\n\n", runtime.NumCPU(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	fmt.Print(heading)
	var figures []figure
	for _, c := range cases {
		if !strings.Contains(c.Name, only) {
			continue
		}
		f, err := c.onItsOwn(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", c.Name, err)
		}
		fmt.Print(f)
		figures = append(figures, f)
	}
	if cold {
		if err := coldStarts(ctx); err != nil {
			return err
		}
	}
	if file == "" {
		return nil
	}
	text, err := json.MarshalIndent(figures, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(text, '\n'), 0o644)
}
