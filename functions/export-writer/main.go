// Command export-writer is the function that makes the files of exports, in strides, from messages of its queue.
package main

import (
	"github.com/aws/aws-lambda-go/lambda"

	"billingcentre/shared/boot"
)

func main() {
	lambda.Start(newHandler(boot.Start()).handle)
}
