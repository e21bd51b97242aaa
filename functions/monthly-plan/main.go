// Command monthly-plan is the function that a schedule starts every hour: when a month's bills are due it walks through all
// accounts, in bounded steps, and puts them onto the queue of functions/monthly-bills (README rule 25).
package main

import (
	"github.com/aws/aws-lambda-go/lambda"

	"billingcentre/shared/boot"
)

func main() {
	lambda.Start(newHandler(boot.Start()).handle)
}
