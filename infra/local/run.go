package main

import (
	"context"
	"errors"
	"os"
	"time"

	"billingcentre/infra/local/console"
	"billingcentre/infra/local/stack"
)

// run starts the stack, shows the main job, and stays until it is interrupted, or not.
func run(ctx context.Context, args []string) (err error) {
	set := flags("run")
	once := set.Bool("once", false, "stop when the main job is done")
	report := set.String("json", "", "file for the first statement, as JSON")
	if err := parse(set, args); err != nil {
		return err
	}
	_ = report
	c := console.Standard(os.Stdout)
	began := time.Now()
	c.Say("The billing centre on this machine. What it keeps is in .local; Ctrl-C stops everything.")
	running, err := stack.Start(ctx, stack.Options{Ports: stack.DefaultPorts, Console: c})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, running.Close()) }()
	c.Say("  Up after %.1f s.", time.Since(began).Seconds())
	if *once {
		return nil
	}
	<-ctx.Done()
	return nil
}
