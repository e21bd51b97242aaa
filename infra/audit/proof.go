package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"time"

	"billingcentre/infra/demo/centre"
	"billingcentre/infra/local/stack"
	"billingcentre/shared/audit"
)

// export collects the pieces of an account's proof over HTTP, as a customer's program does.
func export(ctx context.Context, args []string, out io.Writer) error {
	set := flags("export")
	account := set.String("account", "", "the account")
	from := set.Int64("from", 1, "number of the first entry")
	file := set.String("o", "", "file to write; none is standard output")
	api := set.String("api", "", "URL of a centre's API; none is the local stack's")
	token := set.String("token", os.Getenv("TOKEN"), "a token for that API, of an owner or viewer; also TOKEN in the environment")
	if err := parse(set, args, 0); err != nil {
		return err
	}
	if *account == "" {
		return errors.New("-account is missing")
	}
	c := centre.New(centre.Options{API: *api, Token: func(string, string) (string, error) { return *token, nil }})
	if *api == "" {
		running, err := stack.Find()
		if err != nil {
			return err
		}
		tokens, err := stack.FindIssuer(running)
		if err != nil {
			return err
		}
		c = running.Centre(tokens)
	}
	proof, err := collect(ctx, c, *account, *from)
	if err != nil {
		return err
	}
	text, err := json.Marshal(proof)
	if err != nil {
		return err
	}
	if *file == "" {
		_, err = out.Write(append(text, '\n'))
		return err
	}
	if err := os.WriteFile(*file, append(text, '\n'), 0o600); err != nil {
		return err
	}
	fmt.Fprintf(out, "%s: entries %d to %d are in %s. Note the anchor: %d:%s\n",
		*account, *from, proof.Head.Number, *file, proof.Head.Number, proof.Head.Hash)
	return nil
}

// collect reads pieces until they reach the head that the last one tells.
func collect(ctx context.Context, c *centre.Centre, account string, from int64) (audit.Proof, error) {
	viewer, err := c.As("viewer", account)
	if err != nil {
		return audit.Proof{}, err
	}
	var whole audit.Proof
	for next := from; next > 0; next = whole.Next {
		var piece audit.Proof
		if err := viewer.Get(ctx, fmt.Sprintf("/v1/accounts/%s/entries/%d/proof", url.PathEscape(account), next), &piece); err != nil {
			return audit.Proof{}, err
		}
		whole.Account, whole.Head = piece.Account, piece.Head
		whole.Join(piece)
	}
	return whole, nil
}

// anchors may be given several times.
type anchors []audit.Anchor

func (a *anchors) String() string { return fmt.Sprint(len(*a)) }

func (a *anchors) Set(text string) error {
	anchor, err := audit.ParseAnchor(text)
	*a = append(*a, anchor)
	return err
}

// check follows the chain in a file.
func check(_ context.Context, args []string, out io.Writer) error {
	set := flags("check")
	var trusted anchors
	set.Var(&trusted, "anchor", "NUMBER:HASH of an entry, noted earlier or from a source that you trust; may be repeated")
	if err := parse(set, args, 1); err != nil {
		return err
	}
	if set.NArg() != 1 {
		return errors.New("which FILE?")
	}
	text, err := os.ReadFile(set.Arg(0))
	if err != nil {
		return err
	}
	var proof audit.Proof
	if err := json.Unmarshal(text, &proof); err != nil {
		return fmt.Errorf("%s: %w", set.Arg(0), err)
	}
	entries, err := proof.Check(trusted...)
	if err != nil {
		return fmt.Errorf("the proof doesn't hold: %w", err)
	}
	for _, e := range entries {
		fmt.Fprintf(out, "%6d  %s  %-9s  cash %s, vouchers %s + %s, cards %s, arrears %s  %s\n", e.Number, e.Time.Format(time.RFC3339), e.Kind,
			e.Balances.Cash, e.Balances.Regular, e.Balances.Discount, e.Balances.Card, e.Balances.Arrears, e.Key)
	}
	fmt.Fprintf(out, "\nThe chain of %s holds from entry %d to %d, whose hash is %s.\n", proof.Account, entries[0].Number, proof.Head.Number, proof.Head.Hash)
	if len(trusted) == 0 {
		fmt.Fprintln(out, "That the centre hasn't rewritten all of it, an -anchor proves that you noted earlier or have from elsewhere.")
	} else {
		fmt.Fprintf(out, "It contains what you trust (%d): up to there nothing was altered, left out or put in since.\n", len(trusted))
	}
	return nil
}
