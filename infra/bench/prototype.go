package main

import (
	"bytes"
	"compress/flate"
	"context"
	"fmt"
	"strconv"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"billingcentre/infra/local/dynamodb"
	"billingcentre/shared/ledger/dynamo/meter"
	"billingcentre/shared/wallet"
)

// The two designs of infra/model that need no transaction, as far as their cost goes: the real decisions and entries of
// one hot account, 25 bills a time, written as they would be. Nothing else of them is built.

const (
	together = 25
	period   = 100 // bills of one period, all of which the head holds until it is over
)

// prototype is one of them.
type prototype struct {
	name  string
	paged bool // entries go into the journal as a page for each period, else one by one

	client *sdk.Client
	table  string
	held   [][]byte // canonical entries that are in the head
}

// prototypes measures both and prints them as a table.
func prototypes(ctx context.Context) error {
	server, err := dynamodb.Start(ctx, dynamodb.Options{})
	if err != nil {
		return err
	}
	defer server.Close() //nolint:errcheck // the process ends with us in any case
	fmt.Print("\n| prototype, batch 25 | bills/s | write units | read units | $/million |\n|---|---|---|---|---|\n")
	for _, p := range []prototype{{name: "lines in the head"}, {name: "lines by period in the head", paged: true}} {
		if err := p.measure(ctx, server); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	return nil
}

func (p *prototype) measure(ctx context.Context, server *dynamodb.Server) error {
	c := load{accounts: 1, lots: 2, lines: 3}
	items, err := c.items(ctx, server)
	if err != nil {
		return err
	}
	table, drop, err := c.stage(ctx, server, items)
	if err != nil {
		return err
	}
	defer drop()
	counts := meter.New(schema)
	p.client, p.table = server.Client(counts.Options), table
	const batches = 40
	began := time.Now()
	for batch := range batches {
		if err := p.settle(ctx, c, batch); err != nil {
			return err
		}
	}
	took, spent, n := time.Since(began).Seconds(), counts.Snapshot(), float64(batches*together)
	fmt.Printf("| %s | %.0f | %.2f | %.2f | %.2f |\n", p.name, n/took, spent.Writes/n, spent.Reads/n, (spent.Writes*writePrice+spent.Reads*readPrice)/n)
	return nil
}

// settle takes one batch: read the head, look up what it doesn't hold, decide, write the head, and flush.
func (p *prototype) settle(ctx context.Context, c load, batch int) error {
	key := item{"pk": text("A#" + string(c.account(0))), "sk": text("head")}
	got, err := p.client.GetItem(ctx, &sdk.GetItemInput{TableName: &p.table, Key: key, ConsistentRead: new(true)})
	if err != nil {
		return err
	}
	head, err := wallet.DecodeHead(got.Item["body"].(*types.AttributeValueMemberB).Value)
	if err != nil {
		return err
	}
	if !p.paged {
		p.held = nil // the batch before flushed them
		if err := p.lookUp(ctx, batch); err != nil {
			return err
		}
	} else if len(p.held) == period {
		p.held = nil
	}
	before := head.Version
	var decided []wallet.Entry
	for i := range together {
		b := c.bill(fmt.Sprintf("bill-%d-%d", batch, i), batch*together+i)
		change, err := wallet.Decide(head, wallet.Settle{Bill: b, DayEnd: now().Add(-time.Hour), Method: wallet.BillingCenter}, wallet.DefaultPolicy(), now())
		if err != nil {
			return err
		}
		head, decided, p.held = change.Head, append(decided, change.Entry), append(p.held, change.Canonical)
	}
	if err := p.write(ctx, key, &head, before); err != nil {
		return err
	}
	return p.flush(ctx, head.Account, decided)
}

func (p *prototype) lookUp(ctx context.Context, batch int) error {
	keys := types.KeysAndAttributes{ConsistentRead: new(true)}
	for i := range together {
		keys.Keys = append(keys.Keys, item{"pk": text(fmt.Sprintf("E#bill:bill-%d-%d", batch, i)), "sk": text(entry)})
	}
	_, err := p.client.BatchGetItem(ctx, &sdk.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{p.table: keys}})
	return err
}

func (p *prototype) write(ctx context.Context, key item, head *wallet.Head, before int64) error {
	_, err := p.client.UpdateItem(ctx, &sdk.UpdateItemInput{
		TableName: &p.table, Key: key,
		ConditionExpression: new("version = :before"), UpdateExpression: new("SET version = :after, body = :body, held = :held"),
		ExpressionAttributeValues: item{
			":before": &types.AttributeValueMemberN{Value: strconv.FormatInt(before, 10)},
			":after":  &types.AttributeValueMemberN{Value: strconv.FormatInt(head.Version, 10)},
			":body":   &types.AttributeValueMemberB{Value: head.Canonical()},
			":held":   &types.AttributeValueMemberB{Value: deflated(p.held)},
		},
	})
	return err
}

// flush puts what may leave the head next into the journal, and its list.
func (p *prototype) flush(ctx context.Context, account wallet.AccountID, decided []wallet.Entry) error {
	var group errgroup.Group
	group.SetLimit(lanesAtOnce)
	put := func(pk, sk string, number int64, body []byte) {
		group.Go(func() error {
			_, err := p.client.PutItem(ctx, &sdk.PutItemInput{TableName: &p.table, Item: item{
				"pk": text(pk), "sk": text(sk), "list": text("A#" + string(account)), "rank": text(rank(number)), "body": &types.AttributeValueMemberB{Value: body},
			}})
			return err
		})
	}
	switch last := decided[len(decided)-1].Number; {
	case !p.paged:
		for i := range decided {
			put("E#"+string(decided[i].Key), entry, decided[i].Number, decided[i].Canonical())
		}
	case len(p.held) == period:
		put(fmt.Sprintf("P#%s#%d", account, last), "page", last, deflated(p.held))
	}
	return group.Wait()
}

// deflated are entries compressed together: they resemble each other more than the words of a dictionary.
func deflated(entries [][]byte) []byte {
	var out bytes.Buffer
	w, err := flate.NewWriter(&out, flate.DefaultCompression)
	if err != nil {
		panic(err) // the level is a constant
	}
	for _, e := range entries {
		w.Write(e) //nolint:errcheck // a buffer takes everything
	}
	w.Close() //nolint:errcheck // the same
	return out.Bytes()
}

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
