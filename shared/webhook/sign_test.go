package webhook_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"billingcentre/shared/wallet"
	"billingcentre/shared/webhook"
)

// verify is what a receiver does, by the specification alone: https://github.com/standard-webhooks/standard-webhooks
func verify(secret string, got received) error {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil {
		return err
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(got.header.Get("webhook-id") + "." + got.header.Get("webhook-timestamp") + "." + string(got.body)))
	want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	for _, signature := range strings.Fields(got.header.Get("webhook-signature")) {
		if hmac.Equal([]byte(signature), []byte(want)) {
			return nil
		}
	}
	return errors.New("no signature fits")
}

func TestSecretsAreDerivedForOneEndpointAndGeneration(t *testing.T) {
	signer := webhook.Signer{Master: []byte("a master key of thirty-two bytes")}
	seen := map[string]bool{}
	for _, account := range []string{"acme", "bolt"} {
		for _, endpoint := range []string{"wh_1", "wh_2"} {
			for generation := range 3 {
				seen[signer.Secret(wallet.AccountID(account), endpoint, generation)] = true
			}
		}
	}
	seen[webhook.Signer{Master: []byte("another master key of 32 bytes..")}.Secret("acme", "wh_1", 0)] = true
	if len(seen) != 13 {
		t.Errorf("%d different secrets", len(seen))
	}
	for secret := range seen {
		if key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_")); err != nil || len(key) != 32 {
			t.Errorf("%q", secret)
		}
	}
}

func TestSignatureCoversIDTimeAndBody(t *testing.T) {
	signer := webhook.Signer{Master: []byte("a master key of thirty-two bytes")}
	e := webhook.Endpoint{ID: "wh_1", Generation: 1}
	at := time.Unix(1_760_000_000, 0)
	seen := map[string]bool{}
	for _, id := range []string{"msg_1", "msg_2"} {
		for _, later := range []time.Duration{0, time.Second} {
			for _, body := range []string{"{}", "{ }"} {
				seen[signer.Sign("acme", e, id, at.Add(later), []byte(body))] = true
			}
		}
	}
	if len(seen) != 8 {
		t.Errorf("%d different signatures", len(seen))
	}
}
