package main

import (
	"os"
	"strconv"

	"billingcentre/shared/batch"
	"billingcentre/shared/boot"
	"billingcentre/shared/boot/queue"
	"billingcentre/shared/directory"
	"billingcentre/shared/metric"
	"billingcentre/shared/quarantine"
	"billingcentre/shared/settlement"
)

// handler is the settlement of this function's queue: its Handle is what Lambda calls.
func handler(b *boot.Boot) *settlement.Settlement {
	ledger, metrics := b.Ledger(), new(metric.Metrics)
	return &settlement.Settlement{
		Ledger:    ledger,
		Directory: &directory.Directory{Store: ledger.Store, Now: boot.Now},
		Bills: &batch.Consumer{
			Source: "usage-bills", QueueURL: b.Env("BILL_QUEUE_URL"), MaxReceives: receives(b), Queue: queue.Client(b),
			Quarantine: &quarantine.Quarantine{Store: ledger.Store, Now: boot.Now, Metrics: metrics}, Now: boot.Now, Log: b.Log,
		},
		Metrics: metrics, Log: b.Log, Now: boot.Now,
	}
}

// receives is the queue's maxReceiveCount, which the template tells both to the queue and to the function.
func receives(b *boot.Boot) int {
	n, err := strconv.Atoi(b.Env("MAX_RECEIVE_COUNT"))
	if err != nil || n < 2 {
		b.Log.Error("MAX_RECEIVE_COUNT must be a number of at least 2")
		os.Exit(1)
	}
	return n
}
