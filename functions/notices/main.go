// Command notices is the function that sends people email about what happened to their account. Events of the bus come to
// it by a queue, and so does what SES tells about letters that were sent; a schedule has it look for limits that were reached
// without an event that told of it.
package main

import (
	"github.com/aws/aws-lambda-go/lambda"

	"billingcentre/shared/boot"
)

func main() {
	lambda.Start(newHandler(boot.Start()).Handle)
}
