// Package queue is the cold start of functions that talk to SQS.
package queue

import (
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"billingcentre/shared/boot"
)

// Client is a client of SQS.
func Client(b *boot.Boot) *sqs.Client {
	return sqs.New(sqs.Options{
		Region: b.Env("AWS_REGION"), Credentials: b.Credentials(), HTTPClient: b.HTTP(), BaseEndpoint: boot.Endpoint("SQS"),
	})
}
