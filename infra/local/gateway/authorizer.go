package gateway

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// authorizer checks tokens as API Gateway's JWT authorizer does, but takes RS256 only.
type authorizer struct {
	issuer   string
	audience []string
	keys     *keys
	now      func() time.Time
}

// identity is what a function is told about the caller.
type identity struct {
	claims map[string]string
	scopes []string
}

// denial is why a request has no identity; the client learns it from the WWW-Authenticate header, as on AWS.
type denial struct {
	status                int
	message, kind, detail string
}

func (d *denial) Error() string { return d.detail }

func (d *denial) challenge() string {
	if d.kind == "" {
		return "Bearer"
	}
	return fmt.Sprintf(`Bearer scope="" error=%q error_description=%q`, d.kind, d.detail)
}

func unauthorized(detail string) *denial {
	return &denial{http.StatusUnauthorized, "Unauthorized", "invalid_token", detail}
}

// check answers who a request is from. Any one of the scopes is enough.
func (a *authorizer) check(ctx context.Context, headers, scopes []string) (*identity, *denial) {
	// Two headers are joined, like any others; what comes of it is no token.
	header := strings.Join(headers, ",")
	if header == "" {
		return nil, &denial{status: http.StatusUnauthorized, message: "Unauthorized"}
	}
	if scheme, rest, found := strings.Cut(header, " "); found && strings.EqualFold(scheme, "Bearer") {
		header = rest
	}
	claims, denied := a.verify(ctx, header)
	if denied != nil {
		return nil, denied
	}
	if problem := a.problem(claims); problem != "" {
		return nil, unauthorized(problem)
	}
	granted := strings.Fields(claims.text("scope") + " " + claims.text("scp"))
	if !slices.ContainsFunc(scopes, func(scope string) bool { return slices.Contains(granted, scope) }) {
		return nil, &denial{http.StatusForbidden, "Forbidden", "insufficient_scope", "the token has none of the scopes that this route asks for"}
	}
	return &identity{claims: claims.shown(), scopes: granted}, nil
}

// verify answers what a token says, if the issuer signed it.
func (a *authorizer) verify(ctx context.Context, token string) (claims, *denial) {
	parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil || len(parsed.Headers) != 1 {
		return nil, unauthorized("the token is no JWT signed by RS256")
	}
	key, err := a.keys.find(ctx, parsed.Headers[0].KeyID)
	if err != nil {
		return nil, unauthorized("OIDC discovery endpoint communication error")
	}
	if key == nil {
		return nil, unauthorized("the issuer has no such key")
	}
	said := claims{}
	if err := parsed.Claims(key, &said); err != nil {
		return nil, unauthorized("the token's signature doesn't hold")
	}
	return said, nil
}

// problem is what is wrong with a token that the issuer signed, "" for nothing.
func (a *authorizer) problem(c claims) string {
	now := a.now()
	expiry, hasExpiry, ok1 := c.instant("exp")
	notBefore, _, ok2 := c.instant("nbf")
	issuedAt, _, ok3 := c.instant("iat")
	audience := c.texts("aud")
	if _, has := c["aud"]; !has {
		audience = c.texts("client_id")
	}
	switch {
	case !ok1 || !ok2 || !ok3 || !hasExpiry:
		return "the token has no valid times"
	case !expiry.After(now):
		return "the token has expired"
	case notBefore.After(now):
		return "the token is not valid yet"
	case issuedAt.After(now):
		return "the token was issued in the future"
	case c.text("iss") != a.issuer:
		return "the token does not have a valid issuer"
	case !slices.ContainsFunc(a.audience, func(one string) bool { return slices.Contains(audience, one) }):
		return "the token does not have a valid audience"
	default:
		return ""
	}
}

// claims are a token's, as they stand in it.
type claims map[string]json.RawMessage

func (c claims) text(name string) string { return strings.Join(c.texts(name), " ") }

// texts reads a claim that is a text or a list of texts.
func (c claims) texts(name string) []string {
	var one string
	if json.Unmarshal(c[name], &one) == nil {
		return []string{one}
	}
	var many []string
	if json.Unmarshal(c[name], &many) == nil {
		return many
	}
	return nil
}

// instant reads a claim that counts seconds since 1970, if there is one; ok is false for one that doesn't.
func (c claims) instant(name string) (at time.Time, has, ok bool) {
	text, has := c[name]
	if !has {
		return time.Time{}, false, true
	}
	seconds, err := strconv.ParseFloat(string(text), 64)
	if err != nil {
		return time.Time{}, true, false
	}
	return time.Unix(int64(seconds), 0), true, true
}

// shown is how claims stand in an event: all of them as text.
func (c claims) shown() map[string]string {
	out := make(map[string]string, len(c))
	for name, value := range c {
		switch {
		case len(value) > 0 && value[0] == '"':
			out[name] = c.text(name)
		case len(value) > 0 && value[0] == '[' && c.texts(name) != nil:
			out[name] = "[" + c.text(name) + "]"
		default:
			out[name] = string(value)
		}
	}
	return out
}
