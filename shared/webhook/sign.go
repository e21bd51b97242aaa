package webhook

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"time"

	"billingcentre/shared/wallet"
)

const (
	secretPrefix = "whsec_" // as Standard Webhooks writes a symmetric secret
	secretBytes  = 32
	// retirement is how long a replaced secret still signs.
	retirement = 24 * time.Hour
	// maxRetiring is how many of them may at a time.
	maxRetiring = 3
)

// Signer signs deliveries. Nothing secret is stored: an endpoint's secret is derived from the centre's by what it is for.
type Signer struct{ Master []byte }

// Secret is an endpoint's secret of a generation, as its customer gets it.
func (s Signer) Secret(account wallet.AccountID, endpoint string, generation int) string {
	return secretPrefix + base64.StdEncoding.EncodeToString(s.key(account, endpoint, generation))
}

// key is HKDF-SHA-256. Ids have no "/", so that no two endpoints have one info.
func (s Signer) key(account wallet.AccountID, endpoint string, generation int) []byte {
	key, err := hkdf.Key(sha256.New, s.Master, nil, fmt.Sprintf("webhook/%s/%s/%d", account, endpoint, generation), secretBytes)
	if err != nil {
		panic(err) // only for keys of 8 KB
	}
	return key
}

// Sign is the header webhook-signature of a body: the current secret's signature, then those of secrets that retire.
func (s Signer) Sign(account wallet.AccountID, e Endpoint, id string, at time.Time, body []byte) string {
	content := []byte(id + "." + strconv.FormatInt(at.Unix(), 10) + ".")
	sign := func(generation int) string {
		mac := hmac.New(sha256.New, s.key(account, e.ID, generation))
		mac.Write(content)
		mac.Write(body)
		return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	}
	signatures := []string{sign(e.Generation)}
	for i := len(e.Retiring) - 1; i >= 0; i-- {
		if at.Before(e.Retiring[i].Until) {
			signatures = append(signatures, sign(e.Retiring[i].Generation))
		}
	}
	return strings.Join(signatures, " ")
}
