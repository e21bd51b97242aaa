package secret

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"billingcentre/shared/boot"
)

// What a sandbox slept over, its first request gets no answer or a broken connection.
func TestASilentConnectionIsGivenUpAndTriedAnew(t *testing.T) {
	for _, row := range []struct {
		name  string
		first http.HandlerFunc
	}{
		{"no answer", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }},
		{"a broken connection", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }},
	} {
		t.Run(row.name, func(t *testing.T) {
			requests := new(atomic.Int64)
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if _, err := io.ReadAll(r.Body); err != nil {
					t.Error(err)
				}
				if requests.Add(1) == 1 {
					row.first(w, r)
					return
				}
				io.WriteString(w, `{"SecretString":"pepper"}`) //nolint:errcheck // the test fails then
			}))
			defer server.Close()
			t.Setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", server.URL)
			t.Setenv("AWS_REGION", "us-east-1")
			t.Setenv("AWS_ACCESS_KEY_ID", "local")
			t.Setenv("AWS_SECRET_ACCESS_KEY", "local")
			got, err := client(boot.Start(), 250*time.Millisecond).GetSecretValue(t.Context(), &secretsmanager.GetSecretValueInput{SecretId: aws.String("centre")})
			if err != nil || aws.ToString(got.SecretString) != "pepper" || requests.Load() < 2 {
				t.Errorf("got %v, %v after %d requests, want the secret, of another than the first", got, err, requests.Load())
			}
		})
	}
}
