package marketplace

import (
	"net/http"

	"billingcentre/infra/local/sigv4"
)

const signedFor = "aws-marketplace" // the service's name in a signature's scope

// unsigned tells what is wrong with a request's signature of version 4, nil if it is right.
func (s *Server) unsigned(r *http.Request, body []byte) *awsFault {
	claim, signed := sigv4.Of(r)
	switch {
	case !signed || claim.At.IsZero() || claim.Service == "":
		return invalid("IncompleteSignatureException", "the request isn't signed")
	case claim.KeyID != s.options.Keys.AWSKeyID:
		return invalid("UnrecognizedClientException", "The security token included in the request is invalid")
	case claim.Service != signedFor:
		return invalid("InvalidSignatureException", "Credential should be scoped to service %s, not %s", signedFor, claim.Service)
	case !claim.SignedBy(s.options.Keys.AWSSecret, r, body):
		return invalid("InvalidSignatureException", "The request signature we calculated does not match the signature you provided.")
	}
	return nil
}
