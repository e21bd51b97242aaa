// Package demo is what `make run` shows: a customer with a month of real usage, and one with a top-up.
//
//	usage.go      the account demo, in USD: the bills of a FOCUS file burn down vouchers, a card and cash
//	topup.go      the account demo-cny: a top-up through Alipay, then the README's example S1
//	mail.go       who is told of it by email
//	settle.go     bills onto the queue, and the wait until they are settled
//	statement.go  what came of it, for people and as JSON
//
// It does all of it from outside, through the API and the queue (package centre). Every step has a key of its own, so
// running it again on the same data finds everything done, and shows it.
package demo

import (
	"context"
	"fmt"

	"billingcentre/infra/demo/centre"
	"billingcentre/infra/local/console"
)

// Demo shows what a centre does.
type Demo struct {
	Centre  *centre.Centre
	Console *console.Console
}

// account opens an account, as an operator.
func (d *Demo) account(ctx context.Context, operator *centre.Caller, id, name, currency, zone string) error {
	_, err := operator.Post(ctx, "/v1/accounts", "", map[string]string{
		"account_id": id, "name": name, "currency": currency, "time_zone": zone,
	}, nil)
	return err
}

// voucher puts a voucher on an account.
func voucher(ctx context.Context, operator *centre.Caller, account, kind, face string) error {
	_, err := operator.Post(ctx, "/v1/operator/accounts/"+account+"/vouchers", account+"-"+kind,
		map[string]string{"kind": kind, "face_value": face, "reason": "demo"}, nil)
	return err
}

// card allocates a card, and has the account buy a package with a part of it. A card's face value is a multiple of
// 100 (README rule 8), and what is wanted here is one with less left.
func card(ctx context.Context, operator, owner *centre.Caller, account, face, spent string) error {
	var allocated struct {
		Card struct {
			ID string `json:"id"`
		} `json:"card"`
	}
	_, err := operator.Post(ctx, "/v1/operator/accounts/"+account+"/cards", account+"-card",
		map[string]string{"face_value": face, "reason": "demo"}, &allocated)
	if err != nil {
		return err
	}
	_, err = owner.Post(ctx, "/v1/accounts/"+account+"/prepaid-orders", account+"-package",
		map[string]any{"amount": spent, "cards": []string{allocated.Card.ID}, "item": "onboarding package"}, nil)
	return err
}

// callers are who acts on an account.
func (d *Demo) callers(account string) (operator, owner *centre.Caller, err error) {
	if operator, err = d.Centre.Operator(); err != nil {
		return nil, nil, err
	}
	if owner, err = d.Centre.Owner(account); err != nil {
		return nil, nil, err
	}
	return operator, owner, nil
}

// bind binds a workspace to an account from a day on, as an operator may (README, "Who and what").
func bind(ctx context.Context, operator *centre.Caller, account, workspace, from string) error {
	_, err := operator.Post(ctx, "/v1/accounts/"+account+"/workspaces", "", map[string]string{"workspace_id": workspace, "from": from}, nil)
	if err != nil {
		return fmt.Errorf("bind %s: %w", workspace, err)
	}
	return nil
}
