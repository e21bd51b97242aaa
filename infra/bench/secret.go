package main

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"billingcentre/infra/local/checkout"
)

// secret answers like Secrets Manager: the centre's secret made up, Alipay's from the files of events/.
func secret(w http.ResponseWriter, r *http.Request) {
	var ask struct {
		SecretID string `json:"SecretId"`
	}
	if err := json.NewDecoder(r.Body).Decode(&ask); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	text := `{"pepper":"` + strings.Repeat("bench", 13) + `"}`
	if ask.SecretID == "alipay" {
		root, err := checkout.Root()
		if err == nil {
			var read []byte
			read, err = os.ReadFile(filepath.Join(root, "events", "payment-callback", "testdata", "secret.json"))
			text = string(read)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	json.NewEncoder(w).Encode(map[string]string{"ARN": ask.SecretID, "Name": ask.SecretID, "SecretString": text}) //nolint:errcheck // the client is gone then
}
