// Package till is the cold start of functions that deal with payment channels, and what keeps their keys fresh.
package till

import (
	"context"
	"os"
	"time"

	"billingcentre/shared/boot"
	"billingcentre/shared/boot/secret"
	"billingcentre/shared/payment/alipay"
)

// Alipay is the payment channel of the app in the secret ALIPAY_SECRET_ARN, and what renews its keys. ALIPAY_GATEWAY_URL is
// for the local stack only: production refuses it.
func Alipay(ctx context.Context, b *boot.Boot) (*alipay.Channel, *Keys) {
	text := secret.Reader(b, "ALIPAY_SECRET_ARN")
	read := func(ctx context.Context) (alipay.Secret, error) {
		value, err := text(ctx)
		if err != nil {
			return alipay.Secret{}, err
		}
		return alipay.ParseSecret(value)
	}
	parsed, err := read(ctx)
	if err != nil {
		b.Fail("Alipay's secret can't be read", "variable", "ALIPAY_SECRET_ARN", "error", err.Error())
	}
	channel, err := alipay.New(alipay.Config{
		Mode: alipay.Mode(b.Env("ALIPAY_MODE")), Secret: parsed, NotifyURL: b.Env("ALIPAY_NOTIFY_URL"), Gateway: os.Getenv("ALIPAY_GATEWAY_URL"),
		Now: boot.Now,
	})
	if err != nil {
		b.Fail("Alipay can't be configured", "error", err.Error())
	}
	return channel, &Keys{Read: read, Renew: channel.Renew, Log: b.Log, Now: time.Now, looked: time.Now()}
}
