// Package sigv4 checks requests signed with AWS's Signature Version 4, for what stands in for AWS: a request is signed
// anew, with the headers that its signature names and the secret of its key, and both signatures are compared.
package sigv4

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

const (
	// Algorithm is the first word of an Authorization header.
	Algorithm = "AWS4-HMAC-SHA256"
	// DateForm is how X-Amz-Date is written.
	DateForm = "20060102T150405Z"
)

// Claim is what a request says about its signature.
type Claim struct {
	KeyID   string
	Region  string    // "" when the scope isn't one
	Service string    // likewise
	At      time.Time // zero when it can't be read
	headers []string
}

// Of is the claim in a request's headers, if there is one.
func Of(r *http.Request) (Claim, bool) {
	fields, signed := Fields(r.Header.Get("Authorization"))
	if !signed || fields["Credential"] == "" || fields["SignedHeaders"] == "" {
		return Claim{}, false
	}
	c := Claim{headers: strings.Split(fields["SignedHeaders"], ";")}
	scope := strings.Split(fields["Credential"], "/")
	if c.KeyID = scope[0]; len(scope) == 5 {
		c.Region, c.Service = scope[2], scope[3]
	}
	if at, err := time.Parse(DateForm, r.Header.Get("X-Amz-Date")); err == nil {
		c.At = at
	}
	return c, true
}

// Fields takes an Authorization header apart: Credential, SignedHeaders, Signature. Another algorithm's isn't signed.
func Fields(authorization string) (fields map[string]string, signed bool) {
	rest, signed := strings.CutPrefix(authorization, Algorithm+" ")
	fields = map[string]string{}
	for field := range strings.SplitSeq(rest, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(field), "=")
		fields[name] = value
	}
	return fields, signed
}

// SignedBy tells whether the holder of a secret has signed the request with this body.
func (c Claim) SignedBy(secret string, r *http.Request, body []byte) bool {
	again, err := http.NewRequestWithContext(r.Context(), r.Method, "http://"+r.Host+r.URL.RequestURI(), nil)
	if err != nil {
		return false
	}
	again.ContentLength = int64(len(body))
	for _, name := range c.headers {
		if name != "host" && name != "content-length" {
			again.Header[http.CanonicalHeaderKey(name)] = r.Header.Values(name)
		}
	}
	hash := sha256.Sum256(body)
	keys := aws.Credentials{AccessKeyID: c.KeyID, SecretAccessKey: secret, SessionToken: r.Header.Get("X-Amz-Security-Token")}
	err = v4.NewSigner().SignHTTP(r.Context(), keys, again, hex.EncodeToString(hash[:]), c.Service, c.Region, c.At)
	return err == nil && subtle.ConstantTimeCompare([]byte(again.Header.Get("Authorization")), []byte(r.Header.Get("Authorization"))) == 1
}
