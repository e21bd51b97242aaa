package mailbox

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// mostSkew is how far a request's stamp may be from the clock.
const mostSkew = 5 * time.Minute

// verify checks a request's signature: it is signed anew, by the same headers and the secret that belongs to its key.
func (m *Mailbox) verify(r *http.Request, body []byte) *refusal {
	scope, headers, ok := parts(r.Header.Get("Authorization"))
	if !ok {
		return &refusal{http.StatusForbidden, "MissingAuthenticationTokenException", "Missing Authentication Token"}
	}
	id, rest, _ := strings.Cut(scope, "/")
	secret, known := m.options.Keys[id]
	if !known {
		return &refusal{http.StatusForbidden, "UnrecognizedClientException", "The security token included in the request is invalid."}
	}
	stamp, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	if skew := time.Since(stamp); err != nil || skew > mostSkew || skew < -mostSkew {
		return &refusal{http.StatusForbidden, "InvalidSignatureException", "Signature expired or not yet current."}
	}
	again, err := http.NewRequestWithContext(context.Background(), r.Method, "http://"+r.Host+r.URL.RequestURI(), io.NopCloser(bytes.NewReader(body)))
	if err != nil {
		return &refusal{http.StatusForbidden, "IncompleteSignatureException", "The request can't be read."}
	}
	again.ContentLength = int64(len(body))
	for _, name := range headers {
		if name != "host" && name != "content-length" {
			again.Header[http.CanonicalHeaderKey(name)] = r.Header.Values(name)
		}
	}
	sum := sha256.Sum256(body)
	credentials := aws.Credentials{AccessKeyID: id, SecretAccessKey: secret} // a session token is among the signed headers
	zone := strings.Split(rest, "/")
	if len(zone) != 4 || zone[1] != region || zone[2] != "ses" {
		return &refusal{http.StatusForbidden, "InvalidSignatureException", "Credential should be scoped to a valid region and to the service ses."}
	}
	if err := v4.NewSigner().SignHTTP(context.Background(), credentials, again, hex.EncodeToString(sum[:]), "ses", region, stamp); err != nil ||
		subtle.ConstantTimeCompare([]byte(again.Header.Get("Authorization")), []byte(r.Header.Get("Authorization"))) != 1 {
		return &refusal{http.StatusForbidden, "InvalidSignatureException", "The request signature we calculated does not match the signature you provided."}
	}
	return nil
}

// parts takes a header "AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…" apart.
func parts(authorization string) (credential string, headers []string, ok bool) {
	rest, ok := strings.CutPrefix(authorization, "AWS4-HMAC-SHA256 ")
	if !ok {
		return "", nil, false
	}
	for field := range strings.SplitSeq(rest, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(field), "=")
		switch name {
		case "Credential":
			credential = value
		case "SignedHeaders":
			headers = strings.Split(value, ";")
		}
	}
	return credential, headers, credential != "" && len(headers) > 0
}
