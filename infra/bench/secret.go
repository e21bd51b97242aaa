package main

import (
	"encoding/json"
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// lag is why functions that fetch secrets answer their first event later than others.
var lag = flag.Duration("secrets", 0, "let Secrets Manager take so `long` for an answer")

const secretARN = "arn:aws:secretsmanager:us-east-1:000000000000:secret:" // and the secret's name

// secrets are the texts of secrets, by ARN, as Secrets Manager answers them.
type secrets map[string]string

// someSecrets are one of Alipay's, from the files of events/, and others that are made up.
func someSecrets(root string) (secrets, error) {
	alipay, err := os.ReadFile(filepath.Join(root, "events", "payment-callback", "testdata", "secret.json"))
	return secrets{
		secretARN + "centre":       `{"pepper":"` + strings.Repeat("bench", 13) + `"}`,
		secretARN + "alipay":       string(alipay),
		secretARN + "marketplaces": `{"alibaba_access_key_id":"bench","alibaba_access_key_secret":"bench","huawei_key":"bench"}`,
	}, err
}

func (s secrets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var ask struct {
		SecretID string `json:"SecretId"`
	}
	if err := json.NewDecoder(r.Body).Decode(&ask); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	text, ok := s[ask.SecretID]
	if !ok {
		http.Error(w, "there is no secret "+ask.SecretID, http.StatusBadRequest)
		return
	}
	time.Sleep(*lag)
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	json.NewEncoder(w).Encode(map[string]string{"ARN": ask.SecretID, "Name": ask.SecretID, "SecretString": text}) //nolint:errcheck // the client is gone then
}
