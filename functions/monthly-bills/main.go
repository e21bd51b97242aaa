// Command monthly-bills is the function that makes monthly bills: a queue brings it accounts whose month is over (README
// rule 25).
package main

import (
	"github.com/aws/aws-lambda-go/lambda"

	"billingcentre/shared/boot"
)

func main() {
	lambda.Start(newHandler(boot.Start()).handle)
}
