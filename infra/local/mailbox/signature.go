package mailbox

import (
	"net/http"
	"time"

	"billingcentre/infra/local/sigv4"
)

// mostSkew is how far a request's stamp may be from the clock.
const mostSkew = 5 * time.Minute

// verify checks a request's signature. A date that can't be read is far from the clock.
func (m *Mailbox) verify(r *http.Request, body []byte) *refusal {
	claim, signed := sigv4.Of(r)
	secret, known := m.options.Keys[claim.KeyID]
	switch skew := time.Since(claim.At).Abs(); {
	case !signed:
		return &refusal{http.StatusForbidden, "MissingAuthenticationTokenException", "Missing Authentication Token"}
	case !known:
		return &refusal{http.StatusForbidden, "UnrecognizedClientException", "The security token included in the request is invalid."}
	case skew > mostSkew:
		return &refusal{http.StatusForbidden, "InvalidSignatureException", "Signature expired or not yet current."}
	case claim.Region != region || claim.Service != "ses":
		return &refusal{http.StatusForbidden, "InvalidSignatureException", "Credential should be scoped to a valid region and to the service ses."}
	case !claim.SignedBy(secret, r, body):
		return &refusal{http.StatusForbidden, "InvalidSignatureException", "The request signature we calculated does not match the signature you provided."}
	}
	return nil
}
