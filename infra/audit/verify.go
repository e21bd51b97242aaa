package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	local "billingcentre/infra/local/dynamodb"
	"billingcentre/infra/local/stack"
	"billingcentre/shared/audit"
	"billingcentre/shared/books"
	"billingcentre/shared/directory"
	"billingcentre/shared/ledger"
	"billingcentre/shared/ledger/dynamo"
	"billingcentre/shared/refusal"
	"billingcentre/shared/wallet"
)

// lag is how long what an index lacks is waited for before it is missing.
const lag = 20 * time.Second

// verify audits one account of a table, or all of them.
func verify(ctx context.Context, args []string, out io.Writer) error {
	set := flags("verify")
	account := set.String("account", "", "only this account")
	anchor := set.String("anchor", "", "NUMBER:HASH of an entry, from elsewhere, that the chain must contain")
	table := set.String("table", "", "a table of AWS; none is the local stack's")
	region := set.String("region", os.Getenv("AWS_REGION"), "the table's region")
	grace := set.Duration("grace", wallet.DefaultPolicy().Grace, "the longest that the policy ever had")
	if err := parse(set, args, 0); err != nil {
		return err
	}
	store, err := open(*table, *region)
	if err != nil {
		return err
	}
	v := verifier{&audit.Auditor{Store: store, Now: time.Now, Lag: lag, Grace: *grace}, out}
	if *account == "" {
		if *anchor != "" {
			return errors.New("an anchor is of one account: -account is missing")
		}
		return v.all(ctx)
	}
	if *anchor != "" {
		if err := v.anchored(ctx, wallet.AccountID(*account), *anchor); err != nil {
			return err
		}
	}
	return v.one(ctx, wallet.AccountID(*account))
}

// open is the store in a table.
func open(table, region string) (ledger.Store, error) {
	if table != "" {
		if region == "" || os.Getenv("AWS_ACCESS_KEY_ID") == "" || os.Getenv("AWS_SECRET_ACCESS_KEY") == "" {
			return nil, errors.New("a table of AWS needs -region or AWS_REGION, and AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment")
		}
		return dynamo.New(dynamodb.New(dynamodb.Options{Region: region, Credentials: credentials.NewStaticCredentialsProvider(
			os.Getenv("AWS_ACCESS_KEY_ID"), os.Getenv("AWS_SECRET_ACCESS_KEY"), os.Getenv("AWS_SESSION_TOKEN"))}), table), nil
	}
	running, err := stack.Find()
	if err != nil {
		return nil, err
	}
	return dynamo.New(local.Client(running.DynamoDB, func(o *dynamodb.Options) { o.RetryMaxAttempts = 3 }), running.Table), nil
}

type verifier struct {
	*audit.Auditor
	out io.Writer
}

// errFound is the outcome of a verification that found something.
var errFound = errors.New("what is stored isn't what was decided")

func (v verifier) one(ctx context.Context, account wallet.AccountID) error {
	report, err := v.Verify(ctx, account)
	if err != nil {
		return err
	}
	if report.Head.Version == 0 && report.Entries == 0 {
		if known, err := v.known(ctx, account); err != nil || !known {
			return cmp.Or(err, fmt.Errorf("there is no account %s", account))
		}
	}
	for _, f := range report.Findings {
		fmt.Fprintf(v.out, "! %s\n", f)
	}
	if !report.Complete() {
		return fmt.Errorf("%s: %w", account, errFound)
	}
	kept, err := books.Verify(ctx, v.Store, account)
	said := kept.String()
	switch {
	case errors.Is(err, books.ErrMovedOn):
		said = "its books move on too fast to be compared"
	case err != nil:
		return err
	case len(kept.Wrong) > 0:
		fmt.Fprintf(v.out, "! %s: %s\n", account, kept)
		return fmt.Errorf("%s: %w", account, errFound)
	}
	fmt.Fprintf(v.out, "%s: %d entries replayed, the head is right, %s. Its anchor: %d:%s\n",
		account, report.Entries, said, report.Verified, audit.HeadOf(report.Head).Hash)
	return nil
}

// known tells whether anything says that there was such an account: its document, or the auditor's.
func (v verifier) known(ctx context.Context, account wallet.AccountID) (bool, error) {
	accounts := directory.Directory{Store: v.Store, Now: time.Now}
	_, err := accounts.Account(ctx, account)
	if !refusal.Is(err, refusal.NotFound) {
		return true, err
	}
	return v.Audited(ctx, account)
}

// listed finds accounts that were audited before, and that the list of all lacks.
func (v verifier) listed(ctx context.Context) (missing int, err error) {
	for next, more := "", true; more; more = next != "" {
		var known []wallet.AccountID
		if known, next, err = v.Known(ctx, next); err != nil {
			return missing, err
		}
		found, err := v.Unlisted(ctx, known)
		if err != nil {
			return missing, err
		}
		for _, f := range found {
			fmt.Fprintf(v.out, "! %s\n", f)
		}
		missing += len(found)
	}
	return missing, nil
}

func (v verifier) all(ctx context.Context) error {
	accounts := directory.Directory{Store: v.Store, Now: time.Now}
	found, seen := 0, 0
	for before := ""; ; {
		page, err := accounts.List(ctx, before, 100)
		if err != nil {
			return err
		}
		for _, account := range page {
			before, seen = account.Rank, seen+1
			if err := v.one(ctx, account.ID); errors.Is(err, errFound) {
				found++
			} else if err != nil {
				return err
			}
		}
		if len(page) < 100 {
			break
		}
	}
	missing, err := v.listed(ctx)
	if err != nil {
		return err
	}
	if found, seen = found+missing, seen+missing; found > 0 {
		return fmt.Errorf("%d of %d accounts: %w", found, seen, errFound)
	}
	fmt.Fprintf(v.out, "All %d accounts are right.\n", seen)
	return nil
}

// anchored looks for an anchor in the journal as it is stored.
func (v verifier) anchored(ctx context.Context, account wallet.AccountID, text string) error {
	anchor, err := audit.ParseAnchor(text)
	if err != nil {
		return err
	}
	listed, err := v.Store.Journal(ctx, account, anchor.Number+1, 1)
	if err != nil {
		return err
	}
	if len(listed) == 0 || audit.LinkOf(listed[0]).Anchor != anchor {
		return fmt.Errorf("%s: entry %d hasn't the anchor's hash: %w", account, anchor.Number, errFound)
	}
	fmt.Fprintf(v.out, "%s: entry %d has the anchor's hash\n", account, anchor.Number)
	return nil
}
