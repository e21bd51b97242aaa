// Command accounts is the function for billing accounts and the workspaces that are bound to them: who pays for what,
// since when, and how.
package main

import (
	"context"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"billingcentre/shared/api"
	"billingcentre/shared/boot"
	"billingcentre/shared/boot/secret"
	"billingcentre/shared/directory"
)

func main() {
	b := boot.Start()
	ledger := b.Ledger()
	h := handler{
		ledger:    ledger,
		directory: &directory.Directory{Store: ledger.Store, Now: time.Now},
		cursors:   secret.Cursors(context.Background(), b),
	}
	lambda.Start(api.Serve(b.Log, h.routes()...))
}
