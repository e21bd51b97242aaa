package objects

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"billingcentre/infra/local/sigv4"
)

const (
	// skew is how far a signature's time may be from ours.
	skew            = 15 * time.Minute
	longestURL      = 7 * 24 * time.Hour
	unsignedPayload = "UNSIGNED-PAYLOAD"
)

// signed is what a signature vouches for.
type signed struct {
	payload string // the body's SHA-256 in hexadecimal, or a word that says how it is sent
}

// claim is a signature as it was sent.
type claim struct {
	credential string // key/date/region/service/aws4_request
	date       string
	headers    []string
	signature  string
	token      string
	payload    string
	expires    time.Duration // of a signed URL; 0 for headers
}

// authenticate checks the signature of a request, version 4: in its Authorization header, or in its URL.
func (s *Server) authenticate(r *http.Request) (signed, error) {
	c, err := claimOf(r)
	if err != nil {
		return signed{}, err
	}
	scope := strings.Split(c.credential, "/")
	if len(scope) != 5 || scope[3] != "s3" || scope[4] != "aws4_request" || len(c.date) != len(sigv4.DateForm) || scope[1] != c.date[:8] {
		return signed{}, &Error{http.StatusBadRequest, "AuthorizationHeaderMalformed", "The credential must be <key>/<date>/<region>/s3/aws4_request, of the request's date"}
	}
	if scope[2] != s.region {
		return signed{}, &Error{http.StatusBadRequest, "AuthorizationHeaderMalformed", "The region '" + scope[2] + "' is wrong; expecting '" + s.region + "'"}
	}
	key, known := s.keys[scope[0]]
	if !known {
		return signed{}, &Error{http.StatusForbidden, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records."}
	}
	if !hmac.Equal([]byte(key.Token), []byte(c.token)) {
		return signed{}, &Error{http.StatusForbidden, "InvalidToken", "The provided token is malformed or otherwise invalid."}
	}
	if err := s.inTime(c); err != nil {
		return signed{}, err
	}
	if err := coversEnough(r, c.headers); err != nil {
		return signed{}, err
	}
	if want := c.signedBy(key.Secret, canonical(r, c)); !hmac.Equal([]byte(want), []byte(c.signature)) {
		return signed{}, &Error{http.StatusForbidden, "SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided. Check your key and signing method."}
	}
	return signed{payload: c.payload}, nil
}

func claimOf(r *http.Request) (claim, error) {
	if header := r.Header.Get("Authorization"); header != "" {
		return headerClaim(r, header)
	}
	if r.URL.Query().Has("X-Amz-Signature") {
		return urlClaim(r.URL.Query())
	}
	return claim{}, errDenied("Access Denied")
}

func headerClaim(r *http.Request, header string) (claim, error) {
	fields, ours := sigv4.Fields(header)
	if !ours {
		return claim{}, &Error{http.StatusBadRequest, "InvalidRequest", "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256."}
	}
	c := claim{
		credential: fields["Credential"], date: r.Header.Get("X-Amz-Date"), headers: strings.Split(fields["SignedHeaders"], ";"),
		signature: fields["Signature"], token: r.Header.Get("X-Amz-Security-Token"), payload: r.Header.Get("X-Amz-Content-Sha256"),
	}
	if c.payload == "" {
		return claim{}, errInvalid("Missing required header for this request: x-amz-content-sha256")
	}
	return c, nil
}

func urlClaim(query url.Values) (claim, error) {
	seconds, err := strconv.Atoi(query.Get("X-Amz-Expires"))
	expires := time.Duration(seconds) * time.Second
	if query.Get("X-Amz-Algorithm") != sigv4.Algorithm || err != nil || seconds < 1 || expires > longestURL {
		return claim{}, &Error{http.StatusBadRequest, "AuthorizationQueryParametersError", "X-Amz-Algorithm must be AWS4-HMAC-SHA256 and X-Amz-Expires from 1 second to a week"}
	}
	c := claim{
		credential: query.Get("X-Amz-Credential"), date: query.Get("X-Amz-Date"), headers: strings.Split(query.Get("X-Amz-SignedHeaders"), ";"),
		signature: query.Get("X-Amz-Signature"), token: query.Get("X-Amz-Security-Token"), expires: expires, payload: unsignedPayload,
	}
	if hash := query.Get("X-Amz-Content-Sha256"); hash != "" {
		c.payload = hash
	}
	return c, nil
}

func (s *Server) inTime(c claim) error {
	at, err := time.Parse(sigv4.DateForm, c.date)
	if err != nil {
		return errDenied("AWS authentication requires a valid Date or x-amz-date header")
	}
	now := s.now()
	if c.expires > 0 && !now.Before(at.Add(c.expires)) {
		return errDenied("Request has expired")
	}
	if at.Sub(now) > skew || c.expires == 0 && now.Sub(at) > skew {
		return &Error{http.StatusForbidden, "RequestTimeTooSkewed", "The difference between the request time and the server's time is too large."}
	}
	return nil
}

// coversEnough refuses signatures that leave out the host, or a header that S3 acts upon.
func coversEnough(r *http.Request, headers []string) error {
	if !slices.Contains(headers, "host") {
		return errDenied("The host must be signed")
	}
	for name := range r.Header {
		name = strings.ToLower(name)
		if strings.HasPrefix(name, "x-amz-") && !slices.Contains(headers, name) {
			return errDenied("There were headers present in the request which were not signed: " + name)
		}
	}
	return nil
}

// canonical is the request as its sender must have written it down.
func canonical(r *http.Request, c claim) string {
	var headers strings.Builder
	for _, name := range c.headers {
		value := strings.Join(r.Header.Values(name), ",")
		switch {
		case name == "host":
			value = r.Host
		case name == "content-length" && value == "":
			value = strconv.FormatInt(r.ContentLength, 10)
		}
		headers.WriteString(name + ":" + strings.Join(strings.Fields(value), " ") + "\n")
	}
	return strings.Join([]string{
		r.Method, escaped(r.URL.Path, "/"), canonicalQuery(r.URL.Query()), headers.String(), strings.Join(c.headers, ";"), c.payload,
	}, "\n")
}

func canonicalQuery(query url.Values) string {
	var pairs []string
	for name, values := range query {
		if name == "X-Amz-Signature" {
			continue
		}
		for _, value := range values {
			pairs = append(pairs, escaped(name, "")+"="+escaped(value, ""))
		}
	}
	slices.Sort(pairs)
	return strings.Join(pairs, "&")
}

// escaped writes all but letters, digits, - . _ ~ and the marks given as % and two digits.
func escaped(text, marks string) string {
	var b strings.Builder
	for i := range len(text) {
		c := text[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-._~"+marks, c) >= 0 {
			b.WriteByte(c)
			continue
		}
		b.WriteString("%" + strings.ToUpper(hex.EncodeToString([]byte{c})))
	}
	return b.String()
}

// signedBy is the signature that the holder of a secret gives.
func (c claim) signedBy(secret, request string) string {
	key := []byte("AWS4" + secret)
	scope := strings.Split(c.credential, "/")[1:]
	for _, part := range scope {
		key = mac(key, part)
	}
	hash := sha256.Sum256([]byte(request))
	return hex.EncodeToString(mac(key, strings.Join([]string{sigv4.Algorithm, c.date, strings.Join(scope, "/"), hex.EncodeToString(hash[:])}, "\n")))
}

func mac(key []byte, text string) []byte {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(text))
	return m.Sum(nil)
}
