// Command prepaid-purchase is the function that sells prepaid cards for cash (README rules 8 to 13), and packages for
// cards and cash (README rule 23).
package main

import (
	"github.com/aws/aws-lambda-go/lambda"

	"billingcentre/shared/api"
	"billingcentre/shared/boot"
)

func main() {
	b := boot.Start()
	h := handler{ledger: b.Ledger()}
	lambda.Start(api.Serve(b.Log, h.routes()...))
}
