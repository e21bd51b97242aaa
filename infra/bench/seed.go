package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"

	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"billingcentre/infra/local/dynamodb"
	"billingcentre/shared/directory"
	"billingcentre/shared/ledger"
	"billingcentre/shared/money"
	"billingcentre/shared/settlement"
	"billingcentre/shared/wallet"
)

// Accounts are opened through the ledger once for each kind of them; the heads and documents that it wrote are read
// back, and put in bulk into the tables of the cases, which so begin from the same items. No bill reads older entries.

type item = map[string]types.AttributeValue

// kindOfAccounts is what accounts differ in before a case begins.
type kindOfAccounts struct{ accounts, lots int }

// opened keeps the items of accounts that were opened before, for the cases that need the same.
var opened = map[kindOfAccounts][]item{}

// items are what a table of the case holds before its first bill.
func (c load) items(ctx context.Context, server *dynamodb.Server) ([]item, error) {
	kind := kindOfAccounts{c.accounts, c.lots}
	if opened[kind] == nil {
		table, drop, err := newTable(ctx, server)
		if err != nil {
			return nil, err
		}
		defer drop()
		if err := c.open(ctx, centre(server.Client(), table)); err != nil {
			return nil, err
		}
		if opened[kind], err = scan(ctx, server.Client(), table); err != nil {
			return nil, err
		}
	}
	return c.grown(opened[kind])
}

// entry is how an entry's sort key tells it from what settling reads.
const entry = "entry"

// open opens the accounts with their funds and workspaces, four at a time.
func (c load) open(ctx context.Context, s *settlement.Settlement) error {
	var group errgroup.Group
	group.SetLimit(4)
	for i := range c.accounts {
		group.Go(func() error {
			for _, outcome := range s.Ledger.DoAll(ctx, c.account(i), c.funds(c.account(i))) {
				if outcome.Err != nil {
					return outcome.Err
				}
			}
			wish := directory.Wish{Workspace: c.workspace(i), Account: c.account(i), Method: wallet.BillingCenter, From: now().AddDate(0, -1, 0), Operator: true}
			_, _, err := s.Directory.Bind(ctx, wish)
			return err
		})
	}
	return group.Wait()
}

// funds open an account, with cash and lots that no case uses up.
func (c load) funds(account wallet.AccountID) []ledger.Intent {
	intents := []ledger.Intent{
		directory.Opening(directory.Account{ID: account, Name: "Bench", Currency: currency, Zone: "Asia/Shanghai"}, "bench"),
		{Command: wallet.Adjust{Account: account, Once: "cash", Amount: money.Units(currency, 50_000_000), Reason: "bench", Actor: "bench"}},
	}
	for lot := range c.lots {
		once, face, expires := strconv.Itoa(lot), money.Units(currency, 100_000_000), now().AddDate(0, 6, lot)
		if lot%2 == 0 {
			intents = append(intents, ledger.Intent{Command: wallet.Activate{
				Account: account, Once: once, Kind: wallet.Regular, Source: wallet.FromOperator, Face: face, MinBill: money.Zero(currency), ExpiresAt: expires,
			}})
		} else {
			intents = append(intents, ledger.Intent{Command: wallet.Allocate{Account: account, Once: once, Source: wallet.FromOperator, Face: face, ExpiresAt: expires}})
		}
	}
	return intents
}

// warm makes a container of one that has settled the day's bills before: it knows who pays for them.
func (c load) warm(ctx context.Context, s *settlement.Settlement) error {
	if c.cold {
		return nil
	}
	bills := make([]wallet.Bill, c.accounts)
	for i := range bills {
		bills[i] = c.bill("warm", i)
	}
	for _, payment := range s.Directory.SettleAll(ctx, bills) {
		if payment.Err != nil {
			return payment.Err
		}
	}
	return nil
}

// grown are the items of accounts whose heads say that they have had so many entries. Of these the latest are there, up
// to *entries, as copies of one under other keys: nothing that settles a bill reads them, but they make the account's
// partition of the index as large as it would be.
func (c load) grown(items []item) ([]item, error) {
	var grown []item
	for _, it := range items {
		switch {
		case textOf(it, "sk") == "head" && c.journal > 0:
			older, err := c.aged(it)
			if err != nil {
				return nil, err
			}
			grown = append(grown, older)
		case textOf(it, "sk") != entry:
			grown = append(grown, it)
		case c.journal > 0 && textOf(it, "rank") == rank(2): // the cash; entries that bring lots are in another index too
			for n := max(c.journal-*entries, 0) + 1; n <= c.journal; n++ {
				copied := with(it, "pk", &types.AttributeValueMemberS{Value: fmt.Sprintf("E#bill:before-%d", n)})
				copied["rank"] = &types.AttributeValueMemberS{Value: rank(n)}
				grown = append(grown, copied)
			}
		}
	}
	return grown, nil
}

func rank(n int64) string { return fmt.Sprintf("%015d", n) }

// aged is a head after as many entries as the case wants.
func (c load) aged(it item) (item, error) {
	body, ok := it["body"].(*types.AttributeValueMemberB)
	if !ok {
		return nil, fmt.Errorf("bench: a head without a body")
	}
	head, err := wallet.DecodeHead(body.Value)
	if err != nil {
		return nil, err
	}
	head.Version = c.journal
	older := with(it, "version", &types.AttributeValueMemberN{Value: strconv.FormatInt(c.journal, 10)})
	older["body"] = &types.AttributeValueMemberB{Value: head.Canonical()}
	return older, nil
}

func with(it item, name string, value types.AttributeValue) item {
	it = maps.Clone(it)
	it[name] = value
	return it
}

func textOf(it item, name string) string {
	text, ok := it[name].(*types.AttributeValueMemberS)
	if !ok {
		return ""
	}
	return text.Value
}

func scan(ctx context.Context, client *sdk.Client, table string) (items []item, err error) {
	pages := sdk.NewScanPaginator(client, &sdk.ScanInput{TableName: &table})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		items = append(items, page.Items...)
	}
	return items, nil
}

// fill puts items into a table, 25 at a time, as many as one call takes.
func fill(ctx context.Context, client *sdk.Client, table string, items []item) error {
	for some := range slices.Chunk(items, 25) {
		var puts []types.WriteRequest
		for _, it := range some {
			puts = append(puts, types.WriteRequest{PutRequest: &types.PutRequest{Item: it}})
		}
		for len(puts) > 0 {
			out, err := client.BatchWriteItem(ctx, &sdk.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{table: puts}})
			if err != nil {
				return err
			}
			puts = out.UnprocessedItems[table]
		}
	}
	return nil
}
