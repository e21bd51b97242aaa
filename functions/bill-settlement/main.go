// Command bill-settlement is the function that burns down wallets: usage bills come from a queue, and each settles once
// (README rule 18).
package main

import (
	"github.com/aws/aws-lambda-go/lambda"

	"billingcentre/shared/boot"
)

func main() {
	lambda.Start(handler(boot.Start()).Handle)
}
