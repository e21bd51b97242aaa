// Package samtest gives tests what template.yaml deploys.
package samtest

import (
	"maps"
	"path/filepath"
	"testing"

	"billingcentre/infra/local/checkout"
	"billingcentre/infra/local/sam"
)

// Parameters are examples of the parameters that have no default.
func Parameters() map[string]string {
	return map[string]string{
		"JwtIssuer":       "https://issuer.example.com",
		"JwtAudience":     "billing-centre",
		"AlipaySecretArn": "arn:aws:secretsmanager:us-east-1:000000000000:secret:alipay",
		"AlipayNotifyUrl": "https://api.example.com/v1/payments/alipay/notices",
		"MailFrom":        "billing@example.com",
		"MailIdentity":    "example.com",
	}
}

// Deployment is what the template deploys with Parameters, but for those that are given.
func Deployment(t testing.TB, given map[string]string) *sam.Deployment {
	t.Helper()
	root, err := checkout.Root()
	if err != nil {
		t.Fatal(err)
	}
	template, err := sam.Read(filepath.Join(root, "template.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	parameters := Parameters()
	maps.Copy(parameters, given)
	deployment, err := template.Resolve(sam.Local{Parameters: parameters})
	if err != nil {
		t.Fatal(err)
	}
	return deployment
}
