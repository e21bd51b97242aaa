// Command operator is the function of the company's own desk: it issues voucher codes, gives vouchers and cards,
// corrects cash, reverses bills, and sends again what was kept in quarantine. Partners allocate cards here, from the
// quota that the desk gave them.
package main

import (
	"context"

	"github.com/aws/aws-lambda-go/lambda"

	"billingcentre/shared/api"
	"billingcentre/shared/boot"
	"billingcentre/shared/boot/queue"
	"billingcentre/shared/boot/secret"
	"billingcentre/shared/charge"
	"billingcentre/shared/metric"
	"billingcentre/shared/proof"
	"billingcentre/shared/quarantine"
	"billingcentre/shared/voucher"
)

func main() {
	lambda.Start(boot.Meanwhile(func(b *boot.Boot) api.Handler {
		l, pepper, metrics := b.Ledger(), secret.OfCentre(context.Background(), b), new(metric.Metrics)
		h := handler{
			ledger:     l,
			vouchers:   &voucher.Desk{Ledger: l, Key: pepper.Key(voucher.Purpose), Metrics: metrics, Now: boot.Now},
			quarantine: &quarantine.Quarantine{Store: l.Store, Now: boot.Now, Metrics: metrics},
			replays: map[string]sender{
				billSource: messageQueue{queue.Client(b), b.Env("BILL_QUEUE_URL")}, noticeSource: messageQueue{queue.Client(b), b.Env("NOTICE_QUEUE_URL")},
			},
			proofs:  &proof.Book{Store: l.Store, Now: boot.Now},
			charges: &charge.Desk{Store: l.Store, Now: boot.Now, Log: b.Log},
			cursors: api.Cursors{Key: pepper.Key("cursors")},
		}
		return api.Serve(b.Log, h.routes()...)
	}))
}
