package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"billingcentre/infra/demo/centre"
	"billingcentre/infra/local/console"
	"billingcentre/infra/local/dynamodb"
	"billingcentre/infra/local/issuer"
	"billingcentre/infra/local/stack"
	"billingcentre/shared/ledger"
	"billingcentre/shared/ledger/dynamo"
	"billingcentre/shared/wallet"
)

const (
	usualVisibility = "420" // seconds, the template's
	quickVisibility = "20"  // while sandboxes are killed: else what they held would come back after the load
)

// site is where the load goes: a stack, its store to look into, and the accounts of this load.
type site struct {
	running  stack.Running
	centre   *centre.Centre
	store    ledger.Store
	operator *centre.Caller
	name     string // of this load: accounts, workspaces and bills begin with it
	accounts []wallet.AccountID
	closers  []func() error
}

// start finds or starts a stack, and opens the accounts.
func start(ctx context.Context, c *console.Console, p plan) (*site, error) {
	s := &site{name: "load-" + strconv.FormatInt(time.Now().Unix(), 36)}
	tokens, err := s.find(ctx, c)
	if err != nil {
		return nil, errors.Join(err, s.close())
	}
	s.centre = s.running.Centre(tokens)
	s.store = dynamo.New(dynamodb.Client(s.running.DynamoDB), s.running.Table)
	if s.operator, err = s.centre.Operator(); err == nil {
		err = s.open(ctx, c, p.Accounts)
	}
	if err == nil && p.Kill > 0 {
		s.closers = append(s.closers, func() error { return s.visibility(context.WithoutCancel(ctx), usualVisibility) })
		err = s.visibility(ctx, quickVisibility)
	}
	if err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

// find is the stack that runs here, or one of this load's own.
func (s *site) find(ctx context.Context, c *console.Console) (*issuer.Issuer, error) {
	running, err := stack.Find()
	if err == nil {
		s.running = running
		return stack.FindIssuer(running)
	}
	if !errors.Is(err, stack.ErrNotRunning) {
		return nil, err
	}
	c.Say("No stack runs here: this load has one of its own, in memory.")
	state, err := os.MkdirTemp("", "load-")
	if err != nil {
		return nil, err
	}
	s.closers = append(s.closers, func() error { return os.RemoveAll(state) })
	own, err := stack.Start(ctx, stack.Options{State: state, Memory: true, Console: c})
	if err != nil {
		return nil, err
	}
	s.closers = append(s.closers, own.Close)
	s.running = own.Running
	return own.Issuer, nil
}

func (s *site) close() error {
	var problems []error
	for i := len(s.closers) - 1; i >= 0; i-- {
		problems = append(problems, s.closers[i]())
	}
	s.closers = nil
	return errors.Join(problems...)
}

// open opens accounts, each with a workspace, a voucher, and cash for some of the way: then arrears begin.
func (s *site) open(ctx context.Context, c *console.Console, accounts int) error {
	step := c.Step("accounts")
	defer step.Failed() // unless it is done
	from := time.Now().UTC().AddDate(0, 0, -3).Format(time.RFC3339)
	for i := range accounts {
		step.Progress("%d of %d", i, accounts)
		id := fmt.Sprintf("%s-%d", s.name, i)
		own, desk := "/v1/accounts/"+url.PathEscape(id), "/v1/operator/accounts/"+url.PathEscape(id)
		for _, ask := range []struct {
			path, once string
			body       map[string]string
		}{
			{"/v1/accounts", "", map[string]string{"account_id": id, "name": id, "currency": "CNY", "time_zone": "UTC"}},
			{own + "/workspaces", "", map[string]string{"workspace_id": id, "from": from}},
			{desk + "/vouchers", id, map[string]string{"kind": "regular", "face_value": "50.00", "reason": "load"}},
			{desk + "/adjustments", id, map[string]string{"direction": "credit", "amount": "100.00", "reason": "load"}},
		} {
			if _, err := s.operator.Post(ctx, ask.path, ask.once, ask.body, nil); err != nil {
				return err
			}
		}
		s.accounts = append(s.accounts, wallet.AccountID(id))
	}
	step.Done("%d opened: %s-0 to %s-%d", accounts, s.name, s.name, accounts-1)
	return nil
}

func (s *site) visibility(ctx context.Context, seconds string) error {
	_, err := s.centre.SQS().SetQueueAttributes(ctx, &sqs.SetQueueAttributesInput{
		QueueUrl: aws.String(s.running.BillQueue), Attributes: map[string]string{"VisibilityTimeout": seconds},
	})
	return err
}
