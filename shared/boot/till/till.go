// Package till is the cold start of functions that deal with payment channels.
package till

import (
	"context"
	"os"

	"github.com/go-json-experiment/json/jsontext"

	"billingcentre/shared/boot"
	"billingcentre/shared/boot/secret"
	"billingcentre/shared/payment/alipay"
)

// Alipay is the payment channel of the app in the secret ALIPAY_SECRET_ARN. ALIPAY_GATEWAY_URL is for the local stack
// only: production refuses it.
func Alipay(ctx context.Context, b *boot.Boot) *alipay.Channel {
	var text jsontext.Value
	secret.Read(ctx, b, "ALIPAY_SECRET_ARN", &text)
	parsed, err := alipay.ParseSecret(text)
	if err != nil {
		b.Fail("Alipay's secret can't be used", "error", err.Error())
	}
	channel, err := alipay.New(alipay.Config{
		Mode: alipay.Mode(b.Env("ALIPAY_MODE")), Secret: parsed, NotifyURL: b.Env("ALIPAY_NOTIFY_URL"), Gateway: os.Getenv("ALIPAY_GATEWAY_URL"),
		Now: boot.Now,
	})
	if err != nil {
		b.Fail("Alipay can't be configured", "error", err.Error())
	}
	return channel
}
