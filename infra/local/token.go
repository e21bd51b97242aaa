package main

import (
	"context"
	"fmt"
	"time"

	"billingcentre/infra/local/issuer"
	"billingcentre/infra/local/stack"
)

// token prints a token, and nothing else, so that a shell can take it.
func token(_ context.Context, args []string) error {
	set := flags("token")
	var c issuer.Claims
	set.StringVar(&c.Role, "role", "owner", "owner, viewer, operator or partner")
	set.StringVar(&c.Account, "account", "", "the account of an owner or a viewer")
	set.StringVar(&c.Partner, "partner", "", "the id of a partner")
	life := set.Duration("for", 12*time.Hour, "how long it is valid")
	if err := parse(set, args); err != nil {
		return err
	}
	running, err := stack.Find()
	if err != nil {
		return err
	}
	tokens, err := stack.FindIssuer(running)
	if err != nil {
		return err
	}
	text, err := tokens.Token(c, *life)
	if err != nil {
		return err
	}
	fmt.Println(text)
	return nil
}
