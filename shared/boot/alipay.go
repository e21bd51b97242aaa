package boot

import (
	"context"
	"os"

	"github.com/go-json-experiment/json/jsontext"

	"billingcentre/shared/payment/alipay"
)

// Alipay is the payment channel of the app in the secret ALIPAY_SECRET_ARN. ALIPAY_GATEWAY_URL is for the local stack
// only: production refuses it.
func (b *Boot) Alipay(ctx context.Context) *alipay.Channel {
	var text jsontext.Value
	b.Secret(ctx, "ALIPAY_SECRET_ARN", &text)
	secret, err := alipay.ParseSecret(text)
	if err != nil {
		b.fail("Alipay's secret can't be used", "error", err.Error())
	}
	channel, err := alipay.New(alipay.Config{
		Mode: alipay.Mode(b.Env("ALIPAY_MODE")), Secret: secret, NotifyURL: b.Env("ALIPAY_NOTIFY_URL"), Gateway: os.Getenv("ALIPAY_GATEWAY_URL"),
	})
	if err != nil {
		b.fail("Alipay can't be configured", "error", err.Error())
	}
	return channel
}
