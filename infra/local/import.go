package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"time"

	"billingcentre/infra/demo/centre"
	"billingcentre/infra/focus"
	"billingcentre/infra/local/console"
	"billingcentre/infra/local/stack"
	"billingcentre/shared/wallet"
)

// importFile puts the bills of anybody's FOCUS file on the running stack's queue.
func importFile(ctx context.Context, args []string) error {
	set := flags("import")
	account := set.String("account", "", "bind workspaces that nobody has to this account, from their first day in the file on")
	if err := parse(set, args); err != nil {
		return err
	}
	if set.NArg() != 1 {
		fmt.Fprint(os.Stderr, usage)
		return flag.ErrHelp
	}
	running, err := stack.Find()
	if err != nil {
		return err
	}
	tokens, err := stack.FindIssuer(running)
	if err != nil {
		return err
	}
	i := importer{c: console.Standard(os.Stdout), centre: running.Centre(tokens), account: *account}
	return i.run(ctx, set.Arg(0))
}

type importer struct {
	c       *console.Console
	centre  *centre.Centre
	account string
}

func (i *importer) run(ctx context.Context, path string) error {
	usage, err := i.read(path)
	if err != nil {
		return err
	}
	if i.account != "" {
		if err := i.bind(ctx, usage.Workspaces()); err != nil {
			return err
		}
	}
	step := i.c.Step("send")
	defer step.Failed() // unless it is done
	_, err = i.centre.Send(ctx, usage.Bills, func(n int) { step.Progress("%d of %d bills", n, len(usage.Bills)) })
	if err != nil {
		return err
	}
	step.Done("%d bills are on the queue", len(usage.Bills))
	if i.account == "" {
		i.c.Say("  Bills of workspaces that no account has wait for a quarter of an hour, then they are in quarantine.")
	}
	return nil
}

func (i *importer) read(path string) (*focus.Import, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	step := i.c.Step("read")
	defer step.Failed() // unless it is done
	usage, err := focus.Read(file, func(p focus.Problem) { i.c.Say("  %s:%d: %s", path, p.Line, p.Reason) })
	if err != nil {
		return nil, err
	}
	total := ""
	for _, currency := range slices.Sorted(maps.Keys(usage.Exact)) {
		total += fmt.Sprintf(", %s %s", currency, usage.Exact[currency])
	}
	step.Done("%d rows, %d not billed: %d bills of %d workspaces%s", usage.Rows, usage.Problems, len(usage.Bills), len(usage.Workspaces()), total)
	if usage.Problems > 0 {
		i.c.Say("  Mend those rows in a file of their own: this file with other rows is another file, billed anew.")
	}
	return usage, nil
}

// bind makes the account pay for workspaces, each from its first day on. Those that are somebody else's are told.
func (i *importer) bind(ctx context.Context, first map[wallet.WorkspaceID]string) error {
	operator, err := i.centre.Operator()
	if err != nil {
		return err
	}
	path := "/v1/accounts/" + url.PathEscape(i.account)
	var account struct {
		Zone string `json:"time_zone"`
	}
	if err := operator.Get(ctx, path, &account); err != nil {
		return err
	}
	zone, err := time.LoadLocation(account.Zone)
	if err != nil {
		return err
	}
	step := i.c.Step("workspaces")
	defer step.Failed() // unless it is done
	bound := 0
	for n, workspace := range slices.Sorted(maps.Keys(first)) {
		step.Progress("%d of %d", n, len(first))
		day, err := time.ParseInLocation(time.DateOnly, first[workspace], zone)
		if err != nil {
			return err
		}
		_, err = operator.Post(ctx, path+"/workspaces", "", map[string]string{
			"workspace_id": string(workspace), "from": day.Format(time.RFC3339),
		}, nil)
		if refused, ok := errors.AsType[*centre.Refused](err); ok && refused.Status != http.StatusServiceUnavailable {
			i.c.Say("  %s isn't bound to %s: %s", workspace, i.account, refused.Detail)
			continue
		}
		if err != nil {
			return err
		}
		bound++
	}
	step.Done("%d of %d are bound to %s", bound, len(first), i.account)
	return nil
}
