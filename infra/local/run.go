package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"billingcentre/infra/demo"
	"billingcentre/infra/focus/sample"
	"billingcentre/infra/local/console"
	"billingcentre/infra/local/stack"
)

// run starts the stack, shows the main job, and stays until it is interrupted, unless it is to stop at once.
func run(ctx context.Context, args []string) (err error) {
	set := flags("run")
	once := set.Bool("once", false, "stop when the main job is done")
	certificates := set.Bool("certificates", false, "have the app in Alipay's certificate mode")
	report := set.String("json", "", "file for the first statement, as JSON")
	if err := parse(set, args); err != nil {
		return err
	}
	c := console.Standard(os.Stdout)
	began := time.Now()
	c.Say("The billing centre on this machine. What it keeps is in .local; Ctrl-C stops everything.")
	running, err := stack.Start(ctx, stack.Options{Ports: stack.DefaultPorts, Console: c, Certificates: *certificates})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, running.Close()) }()
	if err := show(ctx, running, c, *report); err != nil {
		return err
	}
	c.Say("\nAll of it took %.0f s. The functions' logs are in .local/logs.", time.Since(began).Seconds())
	if *once {
		return nil
	}
	c.Say("It stays up until Ctrl-C.")
	<-ctx.Done()
	c.Say("")
	return nil
}

// show is the main job: two customers, from the top-up to the settled bill.
func show(ctx context.Context, running *stack.Stack, c *console.Console, report string) error {
	d := &demo.Demo{Console: c, Centre: running.Running.Centre(running.Issuer)}
	usage, err := d.Usage(ctx, sample.Name, sample.File())
	if err != nil {
		return err
	}
	c.Say("\n%s", usage)
	if report != "" {
		if err := write(report, usage); err != nil {
			return err
		}
		c.Say("  The statement as JSON is in %s.", report)
	}
	topUp, err := d.TopUp(ctx)
	if err != nil {
		return err
	}
	c.Say("\n%s", topUp)
	r := running.Running
	c.Say("\nThe API is at %s, SQS at %s, Alipay's payments to look at and pay at %s/, mails to read at %s/", r.API, r.AWS, r.Alipay, r.Mailbox)
	d.Try()
	if !usage.Balanced() || !topUp.Balanced() {
		return errors.New("a statement doesn't add up to the exact cost")
	}
	return nil
}

func write(path string, statement demo.Statement) error {
	text, err := json.MarshalIndent(statement, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(path, append(text, '\n'), 0o644); err != nil {
		return fmt.Errorf("write the statement: %w", err)
	}
	return nil
}
