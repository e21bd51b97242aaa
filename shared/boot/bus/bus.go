// Package bus is the cold start of functions that put events on the bus.
package bus

import (
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"

	"billingcentre/shared/boot"
)

// Client is a client of EventBridge.
func Client(b *boot.Boot) *eventbridge.Client {
	return eventbridge.New(eventbridge.Options{
		Region: b.Env("AWS_REGION"), Credentials: b.Credentials(), HTTPClient: b.HTTP(), BaseEndpoint: boot.Endpoint("EVENTBRIDGE"),
	})
}
