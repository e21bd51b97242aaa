package demo

import (
	"context"
	"io"
	"maps"
	"slices"

	"billingcentre/infra/demo/centre"
	"billingcentre/infra/focus"
)

// The account of the first story. It is in USD and its days are UTC's, as the bills' are.
const (
	usageAccount = "demo"
	usageFrom    = "2024-09-01T00:00:00Z"
)

// Usage settles a FOCUS file on an account with every kind of fund, small enough that each of them pays a part.
func (d *Demo) Usage(ctx context.Context, name string, file io.Reader) (Statement, error) {
	operator, owner, err := d.callers(usageAccount)
	if err != nil {
		return Statement{}, err
	}
	d.Console.Say("\nA month of real usage (%s: FinOps Foundation, FOCUS-Sample-Data, CC BY 4.0) on the account %s", name, usageAccount)
	step := d.Console.Step("funds")
	defer step.Failed() // unless it is done
	if err := d.fundUsage(ctx, operator, owner); err != nil {
		return Statement{}, err
	}
	step.Done("regular voucher 6.00, discount voucher 5.00, card 100.00 of which 96.00 buy a package, cash 50.00")

	month, err := focus.Read(file, func(p focus.Problem) { d.Console.Say("  %s: %s", name, p) })
	if err != nil {
		return Statement{}, err
	}
	if err := d.bindAll(ctx, operator, month); err != nil {
		return Statement{}, err
	}
	return d.settle(ctx, usageAccount, month.Bills)
}

func (d *Demo) fundUsage(ctx context.Context, operator, owner *centre.Caller) error {
	if err := d.account(ctx, operator, usageAccount, "Demo Inc.", "USD", "UTC"); err != nil {
		return err
	}
	if err := voucher(ctx, operator, usageAccount, "regular", "6.00"); err != nil {
		return err
	}
	if err := voucher(ctx, operator, usageAccount, "discount", "5.00"); err != nil {
		return err
	}
	if err := card(ctx, operator, owner, usageAccount, "100.00", "96.00"); err != nil {
		return err
	}
	_, err := operator.Post(ctx, "/v1/operator/accounts/"+usageAccount+"/adjustments", usageAccount+"-cash",
		map[string]string{"direction": "credit", "amount": "50.00", "reason": "demo"}, nil)
	return err
}

func (d *Demo) bindAll(ctx context.Context, operator *centre.Caller, month *focus.Import) error {
	step := d.Console.Step("workspaces")
	defer step.Failed() // unless it is done
	workspaces := slices.Sorted(maps.Keys(month.Workspaces()))
	for i, workspace := range workspaces {
		step.Progress("%d of %d bound", i, len(workspaces))
		if err := bind(ctx, operator, usageAccount, string(workspace), usageFrom); err != nil {
			return err
		}
	}
	step.Done("%d bound, from %s", len(workspaces), usageFrom[:len("2006-01-02")])
	return nil
}

// Try prints what one can do with the centre by hand.
func (d *Demo) Try() {
	d.Console.Say(`
Try it (another terminal, same folder):
  TOKEN=$(make -s token ROLE=owner ACCOUNT=%[1]s)
  curl -s -H "Authorization: Bearer $TOKEN" %[2]s
  curl -s -H "Authorization: Bearer $TOKEN" '%[3]s?limit=2'
  curl -s -H "Authorization: Bearer $TOKEN" '%[4]s?limit=2'
  make import FILE=bills.csv ACCOUNT=%[1]s
  AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local aws sqs get-queue-attributes --region us-east-1 \
    --endpoint-url %[5]s --queue-url %[6]s --attribute-names All`,
		usageAccount, d.Centre.API("/v1/accounts/"+usageAccount+"/wallet"), d.Centre.API("/v1/accounts/"+usageAccount+"/bills"),
		d.Centre.API("/v1/accounts/"+usageAccount+"/entries"), d.Centre.AWS(), d.Centre.Queue())
}
