// Command bench measures what a settled bill costs: against the real DynamoDB Local, in memory, through the settlement
// of the function bill-settlement, with real SQS events.
//
//	go run ./infra/bench              the table (make bench)
//	go run ./infra/bench -json FILE   and one JSON object per case
//	go run ./infra/bench -case hot    only the cases whose name contains the word (-cold=false without the cold starts)
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
	"slices"
	"strings"
)

var entries = flag.Int64("entries", 5_000, "put at most so `many` entries into a journal before a case; 1000000 needs minutes")

func main() {
	file := flag.String("json", "", "write the figures to this `file`")
	only := flag.String("case", "", "run only the cases whose name contains this `word`")
	cold := flag.Bool("cold", true, "measure cold starts and packages too")
	endpoint := flag.String("invoke", "", "be the process whose memory is measured, with the database at this `address`")
	table := flag.String("table", "", "the `table` for -invoke")
	flag.Parse()
	if err := asked(*only, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if *endpoint != "" {
		if err := invoke(ctx, *endpoint, *table); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
		return
	}
	if err := run(ctx, *file, *only, *cold); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

const cheaper = "prototypes" // the case of the two cheaper designs

// asked refuses what would be measured as nothing: a word that is no flag, or that no case's name contains.
func asked(only string, words []string) error {
	if len(words) > 0 {
		return fmt.Errorf("%q isn't a flag: they begin with a dash", words[0])
	}
	names := []string{cheaper, large.Name}
	for _, c := range cases {
		names = append(names, c.Name)
	}
	if !slices.ContainsFunc(names, func(name string) bool { return strings.Contains(name, only) }) {
		return fmt.Errorf("no case's name contains %q; there are: %s", only, strings.Join(names, " · "))
	}
	return nil
}

func run(ctx context.Context, file, only string, cold bool) error {
	if err := asDeployed(); err != nil {
		return err
	}
	fmt.Printf("DynamoDB Local in memory · %d CPUs · %s %s/%s\n\n", runtime.NumCPU(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	if strings.Contains(large.Name, only) { // first: a child's peak begins with what its parent has when it is forked
		used, err := memory(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", large.Name, err)
		}
		fmt.Print(used)
	}
	fmt.Print(heading)
	figures := []figure{}
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
	fmt.Print(flatness(figures))
	if strings.Contains(cheaper, only) {
		if err := prototypes(ctx); err != nil {
			return err
		}
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

// flatness compares the cases that differ only in how long the journals are.
func flatness(figures []figure) string {
	var journals []figure
	for _, f := range figures {
		if strings.HasPrefix(f.Case, "journal") {
			journals = append(journals, f)
		}
	}
	if len(journals) < 2 {
		return ""
	}
	first, last := journals[0], journals[len(journals)-1]
	return fmt.Sprintf("\nFrom %s to %s: write units x %.2f, read units x %.2f, requests x %.2f, time at the median x %.2f.\n",
		first.Case, last.Case, last.Writes/first.Writes, last.Reads/first.Reads, last.Trips/first.Trips, last.P50/first.P50)
}
