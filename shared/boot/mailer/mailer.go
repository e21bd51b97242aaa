// Package mailer is the cold start of functions that send mail.
package mailer

import (
	"github.com/aws/aws-sdk-go-v2/service/sesv2"

	"billingcentre/shared/boot"
	"billingcentre/shared/mail/ses"
)

// Sender sends by SES, from MAIL_FROM and by the configuration set MAIL_CONFIGURATION_SET.
func Sender(b *boot.Boot) *ses.Sender {
	return &ses.Sender{
		From: b.Env("MAIL_FROM"), ConfigurationSet: b.Env("MAIL_CONFIGURATION_SET"),
		API: ses.Client(sesv2.Options{
			Region: b.Env("AWS_REGION"), Credentials: b.Credentials(), HTTPClient: b.HTTP(), BaseEndpoint: boot.Endpoint("SESV2"),
		}),
	}
}
