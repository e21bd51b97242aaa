// Command bill-settlement burns down wallets: usage bills come from a queue, and each settles once (README rule 18).
package main

import (
	"os"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"billingcentre/shared/batch"
	"billingcentre/shared/boot"
	"billingcentre/shared/directory"
	"billingcentre/shared/metric"
	"billingcentre/shared/quarantine"
)

// normalReceives is the queue's maxReceiveCount in template.yaml, where MAX_RECEIVE_COUNT doesn't say another.
const normalReceives = 20

func main() {
	b := boot.Start()
	ledger := b.Ledger()
	metrics := new(metric.Metrics)
	s := &settlement{
		ledger:    ledger,
		directory: &directory.Directory{Store: ledger.Store, Now: time.Now},
		bills: &batch.Consumer{
			Source: "usage-bills", QueueURL: b.Env("BILL_QUEUE_URL"), MaxReceives: receives(), Queue: b.Queue(),
			Quarantine: &quarantine.Quarantine{Store: ledger.Store, Now: time.Now, Metrics: metrics}, Now: time.Now, Log: b.Log,
		},
		metrics: metrics, log: b.Log, now: time.Now,
	}
	lambda.Start(s.handle)
}

func receives() int {
	if n, err := strconv.Atoi(os.Getenv("MAX_RECEIVE_COUNT")); err == nil && n > 0 {
		return n
	}
	return normalReceives
}
