package marketplace

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
	signedFor = "aws-marketplace" // the service's name in a signature's scope
)

// unsigned tells what is wrong with a request's signature of version 4, nil if it is right. It signs what it got anew,
// with the headers that the signature names and the secret of its key, and compares.
func (s *Server) unsigned(r *http.Request, body []byte) *awsFault {
	parts := map[string]string{}
	fields, ok := strings.CutPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 ")
	for field := range strings.SplitSeq(fields, ",") {
		if name, value, is := strings.Cut(strings.TrimSpace(field), "="); is {
			parts[name] = value
		}
	}
	scope := strings.Split(parts["Credential"], "/")
	at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	if !ok || err != nil || len(scope) != 5 || parts["SignedHeaders"] == "" {
		return invalid("IncompleteSignatureException", "the request isn't signed")
	}
	if scope[0] != s.options.Keys.AWSKeyID {
		return invalid("UnrecognizedClientException", "The security token included in the request is invalid")
	}
	if scope[3] != signedFor {
		return invalid("InvalidSignatureException", "Credential should be scoped to service %s, not %s", signedFor, scope[3])
	}
	again, err := http.NewRequestWithContext(r.Context(), r.Method, "http://"+r.Host+r.URL.RequestURI(), nil)
	if err != nil {
		return invalid("InvalidSignatureException", "%v", err)
	}
	again.ContentLength = int64(len(body))
	for name := range strings.SplitSeq(parts["SignedHeaders"], ";") {
		if name != "host" && name != "content-length" {
			again.Header[http.CanonicalHeaderKey(name)] = r.Header.Values(name)
		}
	}
	hash := sha256.Sum256(body)
	keys := aws.Credentials{AccessKeyID: scope[0], SecretAccessKey: s.options.Keys.AWSSecret, SessionToken: r.Header.Get("X-Amz-Security-Token")}
	if err := v4.NewSigner().SignHTTP(r.Context(), keys, again, hex.EncodeToString(hash[:]), scope[3], scope[2], at); err != nil {
		return invalid("InvalidSignatureException", "%v", err)
	}
	if subtle.ConstantTimeCompare([]byte(again.Header.Get("Authorization")), []byte(r.Header.Get("Authorization"))) != 1 {
		return invalid("InvalidSignatureException", "The request signature we calculated does not match the signature you provided.")
	}
	return nil
}
