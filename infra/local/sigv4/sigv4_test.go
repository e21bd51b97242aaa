package sigv4_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"billingcentre/infra/local/sigv4"
)

// The example of AWS's own documentation ("Signing AWS API requests": IAM's ListUsers), and what must not pass for it.
func TestAWSsOwnExample(t *testing.T) {
	const (
		secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
		list   = "https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08"
	)
	header := map[string]string{
		"Content-Type": "application/x-www-form-urlencoded; charset=utf-8",
		"X-Amz-Date":   "20150830T123600Z",
		"Authorization": "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, " +
			"SignedHeaders=content-type;host;x-amz-date, Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
	}
	for _, row := range []struct {
		rule, url, secret, body string
		change                  func(http.Header)
		want                    bool
	}{
		{"as it was signed", list, secret, "", nil, true},
		{"with a header that isn't signed", list, secret, "", func(h http.Header) { h.Set("Accept", "*/*") }, true},
		{"with another secret", list, "another", "", nil, false},
		{"with another query", list + "&Marker=a", secret, "", nil, false},
		{"with a body", list, secret, "Action=DeleteUser", nil, false},
		{"with another header", list, secret, "", func(h http.Header) { h.Set("Content-Type", "text/plain") }, false},
		{"at another time", list, secret, "", func(h http.Header) { h.Set("X-Amz-Date", "20150830T123601Z") }, false},
		{"with a token that isn't signed", list, secret, "", func(h http.Header) { h.Set("X-Amz-Security-Token", "t") }, false},
	} {
		t.Run(row.rule, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, row.url, nil)
			for name, value := range header {
				r.Header.Set(name, value)
			}
			if row.change != nil {
				row.change(r.Header)
			}
			claim, ok := sigv4.Of(r)
			if !ok || claim.KeyID != "AKIDEXAMPLE" || claim.Region != "us-east-1" || claim.Service != "iam" || claim.At.Year() != 2015 {
				t.Fatalf("%+v, %t", claim, ok)
			}
			if got := claim.SignedBy(row.secret, r, []byte(row.body)); got != row.want {
				t.Errorf("signed: %t, want %t", got, row.want)
			}
		})
	}
}

func TestClaimsThatSayLittle(t *testing.T) {
	for _, row := range []struct {
		rule, authorization string
		signed              bool
	}{
		{"none", "", false},
		{"another algorithm's", "AWS4-ECDSA-P256-SHA256 Credential=k/20150830/us-east-1/iam/aws4_request, SignedHeaders=host, Signature=0", false},
		{"without a key", "AWS4-HMAC-SHA256 SignedHeaders=host, Signature=0", false},
		{"without headers", "AWS4-HMAC-SHA256 Credential=k/20150830/us-east-1/iam/aws4_request, Signature=0", false},
		{"without a scope or a date", "AWS4-HMAC-SHA256 Credential=k, SignedHeaders=host, Signature=0", true},
	} {
		t.Run(row.rule, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.Header.Set("Authorization", row.authorization)
			claim, signed := sigv4.Of(r)
			if signed != row.signed || claim.Region != "" || claim.Service != "" || claim.At != (time.Time{}) {
				t.Errorf("%+v, %t", claim, signed)
			}
		})
	}
}
