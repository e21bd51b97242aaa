package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"

	"github.com/aws/aws-lambda-go/events"

	"billingcentre/infra/local/dynamodb"
)

// large is the largest invocation that a queue can make: 10,000 messages, in six megabytes.
var large = load{Name: "one invocation of 10,000", accounts: 100, bills: 10_000, batch: 10_000, lots: 2, lines: 1}

// usage is what a process of its own, with nothing in it but the function and one event, used for the large invocation.
type usage struct {
	Messages int
	EventMB  float64
	PeakMB   float64 // the largest resident set that the process had
}

// memory runs the large invocation in a child process: this program again, which gets the event by its standard
// input, as Lambda's runtime gets it in an answer.
func memory(ctx context.Context) (usage, error) {
	server, err := dynamodb.Start(ctx, dynamodb.Options{})
	if err != nil {
		return usage{}, err
	}
	defer server.Close() //nolint:errcheck // the process ends with us in any case
	items, err := large.items(ctx, server)
	if err != nil {
		return usage{}, err
	}
	table, drop, err := large.stage(ctx, server, items)
	if err != nil {
		return usage{}, err
	}
	defer drop()
	event, err := json.Marshal(large.invocations(0)[0])
	if err != nil {
		return usage{}, err
	}
	self, err := os.Executable()
	if err != nil {
		return usage{}, err
	}
	child := exec.CommandContext(ctx, self, "-invoke", server.Endpoint, "-table", table)
	if child.Env, err = environ(); err != nil {
		return usage{}, err
	}
	child.Stdin, child.Stdout, child.Stderr = bytes.NewReader(event), os.Stdout, os.Stderr
	if err := child.Run(); err != nil {
		return usage{}, err
	}
	return usage{large.bills, float64(len(event)) / 1e6, peak(child.ProcessState) / 1e6}, nil
}

// invoke is the child's part: one invocation.
func invoke(ctx context.Context, endpoint, table string) error {
	var event events.SQSEvent
	if err := json.NewDecoder(os.Stdin).Decode(&event); err != nil {
		return err
	}
	return handle(ctx, centre(dynamodb.Client(endpoint), table), event)
}

func (u usage) String() string {
	return fmt.Sprintf("Memory of one invocation of %d messages (%.1f MB): the process had %.0f MB at most.\n\n", u.Messages, u.EventMB, u.PeakMB)
}
