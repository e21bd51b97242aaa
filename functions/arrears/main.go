// Command arrears is the function that keeps the arrears of accounts in view: countdowns, reminders, locks (README
// rule 26). A schedule starts it every minute; the event bus does when arrears were repaid, so that it unlocks at once.
package main

import (
	"github.com/aws/aws-lambda-go/lambda"

	"billingcentre/shared/boot"
)

func main() {
	lambda.Start(newHandler(boot.Start()).handle)
}
