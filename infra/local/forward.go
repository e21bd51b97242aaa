package main

import (
	"context"
	"fmt"
	"time"

	"billingcentre/infra/local/stack"
)

// forward lets time pass on the running stack: vouchers lapse, monthly bills are made, countdowns end.
func forward(_ context.Context, args []string) error {
	set := flags("forward")
	by := set.Duration("by", 24*time.Hour, "how much time passes, such as 36h")
	if err := parse(set, args); err != nil {
		return err
	}
	now, err := stack.Forward(*by)
	if err != nil {
		return err
	}
	fmt.Println("It is now", now.UTC().Format(time.RFC3339))
	return nil
}
