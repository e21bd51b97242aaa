// Command accounts is the function for billing accounts and the workspaces that are bound to them: who pays for what,
// since when, and how.
package main

import (
	"context"

	"github.com/aws/aws-lambda-go/lambda"

	"billingcentre/shared/api"
	"billingcentre/shared/boot"
	"billingcentre/shared/boot/secret"
	"billingcentre/shared/cloudlink"
	"billingcentre/shared/directory"
	"billingcentre/shared/unlinking"
)

func main() {
	lambda.Start(boot.Meanwhile(func(b *boot.Boot) api.Handler {
		ledger := b.Ledger()
		accounts := &directory.Directory{Store: ledger.Store, Now: boot.Now}
		h := handler{
			ledger:    ledger,
			directory: accounts,
			clouds: &unlinking.Keeper{
				Desk: &cloudlink.Desk{Store: ledger.Store, Policy: ledger.Policy, Now: boot.Now}, Directory: accounts, Log: b.Log,
			},
			cursors: secret.Cursors(context.Background(), b),
		}
		return api.Serve(b.Log, h.routes()...)
	}))
}
