package alipay

import (
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"strings"
	"testing"
)

// TestModesDoNotMix: a sandbox's app, key store or gateway in production, or the other way round, stops the function at its start.
func TestModesDoNotMix(t *testing.T) {
	production := func(c *Config) { c.Mode, c.Secret.AppID = Production, "2021003123456789" }
	for _, row := range []struct {
		name   string
		change func(*Config)
		says   string // empty: accepted
	}{
		{"sandbox", func(*Config) {}, ""},
		{"production", production, ""},
		{"production, gateway spelt out", func(c *Config) { production(c); c.Gateway = ProductionGateway }, ""},
		{"a local gateway", func(c *Config) { c.Gateway = "http://127.0.0.1:4000/gateway.do" }, ""},
		{"a local notify URL", func(c *Config) { c.NotifyURL = "http://127.0.0.1:3000/v1/payments/alipay/notices" }, ""},
		{"no mode", func(c *Config) { c.Mode = "" }, "mode"},
		{"unknown mode", func(c *Config) { c.Mode = "prod" }, "mode"},
		{"sandbox app in production", func(c *Config) { c.Mode = Production }, "belong"},
		{"older sandbox app in production", func(c *Config) { c.Mode, c.Secret.AppID = Production, "2021000123456789" }, "belong"},
		{"production app in the sandbox", func(c *Config) { c.Secret.AppID = "2021003123456789" }, "belong"},
		{"sandbox gateway in production", func(c *Config) { production(c); c.Gateway = SandboxGateway }, "gateway"},
		{"any gateway in production", func(c *Config) { production(c); c.Gateway = "http://127.0.0.1:1/gateway.do" }, "gateway"},
		{"production gateway in the sandbox", func(c *Config) { c.Gateway = ProductionGateway }, "gateway"},
		{"production gateway, capitals", func(c *Config) { c.Gateway = "https://OpenAPI.Alipay.COM/gateway.do" }, "gateway"},
		{"gateway without host", func(c *Config) { c.Gateway = "/gateway.do" }, "gateway"},
		{"notify URL with a query", func(c *Config) { c.NotifyURL += "?order=1" }, "notify"},
		{"notify URL with an empty query", func(c *Config) { c.NotifyURL += "?" }, "notify"},
		{"no notify URL", func(c *Config) { c.NotifyURL = "" }, "notify"},
		{"plain http in production", func(c *Config) { production(c); c.NotifyURL = "http://billing.example.com/n" }, "https"},
		{"app_id", func(c *Config) { c.Secret.AppID = "../../x" }, "app_id"},
		{"seller_id", func(c *Config) { c.Secret.SellerID = "1" }, "seller_id"},
		{"no private key", func(c *Config) { c.Secret.PrivateKey = "" }, "private_key"},
		{"no public key", func(c *Config) { c.Secret.PublicKey = "" }, "alipay_public_key"},
		{"the app's own public key", func(c *Config) { c.Secret.PublicKey = publicPEM(appKey()) }, "own public key"},
		{"the app's own as the next key", func(c *Config) { c.Secret.NextKey = publicPEM(appKey()) }, "own public key"},
		{"a private key as the public one", func(c *Config) { c.Secret.PublicKey = privatePEM(alipayKey()) }, "alipay_public_key"},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := testConfig()
			row.change(&c)
			_, err := New(c)
			switch {
			case row.says == "" && err != nil:
				t.Errorf("refused: %v", err)
			case row.says != "" && (err == nil || !strings.Contains(err.Error(), row.says)):
				t.Errorf("error %v, want one about %q", err, row.says)
			case err != nil && (strings.Contains(err.Error(), "MII") || strings.Contains(err.Error(), "-----")):
				t.Errorf("the error shows a key: %v", err)
			}
		})
	}
}

// TestKeyForms: keys come as PEM, or as the bare base64 of Alipay's tools, with or without a line break at the end.
func TestKeyForms(t *testing.T) {
	bare := func(text string) string {
		block, _ := pem.Decode([]byte(text))
		return base64.StdEncoding.EncodeToString(block.Bytes)
	}
	c := testConfig()
	c.Secret.PrivateKey, c.Secret.PublicKey = bare(c.Secret.PrivateKey)+"\n", "\n"+bare(c.Secret.PublicKey)
	if _, err := New(c); err != nil {
		t.Errorf("bare base64 refused: %v", err)
	}
}

func TestParseSecret(t *testing.T) {
	text, err := json.Marshal(testSecret())
	if err != nil {
		t.Fatal(err)
	}
	if got, err := ParseSecret(text); err != nil || got != testSecret() {
		t.Errorf("round trip: %v", err)
	}
	for _, bad := range []string{"", "null x", `{"app_id":1}`, `{"app_id":"x","typo":"SECRET"}`, string(text) + "{}", "SECRET"} {
		if _, err := ParseSecret([]byte(bad)); err == nil || strings.Contains(err.Error(), "SECRET") {
			t.Errorf("%.20q: error %v", bad, err)
		}
	}
}

func TestSecretIsNotPrinted(t *testing.T) {
	s := testSecret()
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		for _, value := range []any{s, testConfig()} {
			if text := fmt.Sprintf(format, value); strings.Contains(text, "PRIVATE") {
				t.Errorf("%s shows the key: %.80s", format, text)
			}
		}
	}
}
