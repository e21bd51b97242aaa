// Command expiry is the function that a schedule starts every minute: it books what lapsed, and announces what is
// about to. Nothing becomes unspendable by it; the rules see to that at the very instant (README rule 24).
package main

import (
	"github.com/aws/aws-lambda-go/lambda"

	"billingcentre/shared/boot"
)

func main() {
	lambda.Start(handler(boot.Start()).Handle)
}
