package gateway_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"

	"billingcentre/infra/local/gateway"
)

const (
	unauthorized = `{"message":"Unauthorized"}`
	forbidden    = `{"message":"Forbidden"}`
	notFound     = `{"message":"Not Found"}`
)

// with is the claims of a good token, one changed; nil takes it out.
func with(claims map[string]any, name string, value any) map[string]any {
	if value == nil {
		delete(claims, name)
	} else {
		claims[name] = value
	}
	return claims
}

// The numbers are those of the list of bad inputs that this project keeps.
func TestTokensAreRefused(t *testing.T) {
	h := build(t, nil)
	stranger, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(h.key.Public())
	if err != nil {
		t.Fatal(err)
	}
	publicPEM := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	signed := func(name string, value any) string {
		return "Bearer " + h.sign(jose.RS256, h.key, h.keyID, with(h.claims(), name, value))
	}
	now := time.Now().Unix()
	good := h.token("viewer")
	bill := "/v1/accounts/a-1/bills"

	for _, c := range []struct {
		row    string
		status int
		token  string
	}{
		{"no header", 401, ""},
		{"no token", 401, "Bearer"},
		{"garbage", 401, "Bearer garbage"},
		{"Basic", 401, "Basic dXNlcjpwYXNz"},
		{"H57 alg none", 401, "Bearer " + unsigned(t, h.keyID, h.claims())},
		{"H57 alg none, the signature left in", 401, "Bearer " + unsigned(t, h.keyID, h.claims()) + strings.Split(good, ".")[2]},
		{"H58 HS256 with the public key", 401, "Bearer " + h.sign(jose.HS256, publicPEM, h.keyID, h.claims())},
		{"another algorithm of the right key", 401, "Bearer " + h.sign(jose.RS512, h.key, h.keyID, h.claims())},
		{"a stranger's key under the right name", 401, "Bearer " + h.sign(jose.RS256, stranger, h.keyID, h.claims())},
		{"a stranger's key under its own name", 401, "Bearer " + h.sign(jose.RS256, stranger, "stranger", h.claims())},
		{"a claim edited", 401, "Bearer " + edited(good)},
		{"the signature cut off", 401, "Bearer " + good[:strings.LastIndexByte(good, '.')+1]},
		{"H60 wrong iss", 401, signed("iss", "https://evil.example")},
		{"H60 no iss", 401, signed("iss", nil)},
		{"H60 wrong aud", 401, signed("aud", "other")},
		{"H60 no aud", 401, signed("aud", nil)},
		{"aud wrong, client_id right", 401, "Bearer " + h.sign(jose.RS256, h.key, h.keyID, with(with(h.claims(), "aud", "other"), "client_id", audience))},
		{"expired", 401, signed("exp", now-1)},
		{"without an end", 401, signed("exp", nil)},
		{"an end that is no number", 401, signed("exp", "tomorrow")},
		{"not valid yet", 401, signed("nbf", now+600)},
		{"issued in the future", 401, signed("iat", now+600)},
		{"H61 an ID token: it has no scope", 403, signed("scope", nil)},
		{"H64 no scope", 403, signed("scope", "")},
		{"H64 another scope", 403, signed("scope", "wallet.write wallet.readonly")},
		{"H66 two tokens joined by a comma", 401, "Bearer " + good + ",Bearer " + good},
	} {
		t.Run(c.row, func(t *testing.T) {
			h := *h
			h.t = t
			body := unauthorized
			if c.status == http.StatusForbidden {
				body = forbidden
			}
			var got answered
			if c.token == "" {
				got = h.send("GET", bill, "")
			} else {
				got = h.send("GET", bill, "", "Authorization", c.token)
			}
			h.must(got, c.status, body)
			if !strings.HasPrefix(got.header.Get("Www-Authenticate"), "Bearer") {
				t.Error("no challenge")
			}
		})
	}
	t.Run("H66 two headers", func(t *testing.T) {
		h.must(h.send("GET", bill, "", "Authorization", "Bearer "+good, "Authorization", "Bearer "+good), 401, unauthorized)
	})
	t.Run("H63 an owner at the operator's desk", func(t *testing.T) {
		h.must(h.send("POST", "/v1/operator/accounts/a-1/cards", "{}", "Authorization", "Bearer "+h.token("owner")), 403, forbidden)
	})
	if calls := h.function.calls.Load(); calls != 0 {
		t.Errorf("the function was called %d times", calls)
	}
}

// unsigned is a token of algorithm none: no library makes one.
func unsigned(t *testing.T, keyID string, claims map[string]any) string {
	t.Helper()
	part := func(v any) string {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return base64.RawURLEncoding.EncodeToString(text)
	}
	return part(map[string]string{"alg": "none", "typ": "JWT", "kid": keyID}) + "." + part(claims) + "."
}

// edited is a token with other claims under the same signature.
func edited(token string) string {
	parts := strings.Split(token, ".")
	claims, _ := base64.RawURLEncoding.DecodeString(parts[1])
	parts[1] = base64.RawURLEncoding.EncodeToString([]byte(strings.Replace(string(claims), `"a-1"`, `"a-2"`, 1)))
	return strings.Join(parts, ".")
}

func TestTokensAreTaken(t *testing.T) {
	h := build(t, nil)
	for row, token := range map[string]string{
		"Bearer":                      "Bearer " + h.token("viewer"),
		"bearer":                      "bearer " + h.token("viewer"),
		"bare, which AWS takes too":   h.token("viewer"),
		"one audience of several":     "Bearer " + h.sign(jose.RS256, h.key, h.keyID, with(h.claims(), "aud", []string{"x", audience})),
		"client_id, there is no aud":  "Bearer " + h.sign(jose.RS256, h.key, h.keyID, with(with(h.claims(), "aud", nil), "client_id", audience)),
		"one scope of several, scp":   "Bearer " + h.sign(jose.RS256, h.key, h.keyID, with(with(h.claims(), "scope", nil), "scp", []string{"x", "wallet.read"})),
		"an end with a fraction of s": "Bearer " + h.sign(jose.RS256, h.key, h.keyID, with(h.claims(), "exp", float64(time.Now().Unix()+60)+0.5)),
	} {
		t.Run(row, func(t *testing.T) {
			h := *h
			h.t = t
			h.must(h.send("GET", "/v1/accounts/a-1/bills", "", "Authorization", token), 200, "ok")
		})
	}
	t.Run("any one of the route's scopes", func(t *testing.T) {
		for _, role := range []string{"operator", "partner"} {
			h.must(h.send("POST", "/v1/operator/accounts/a-1/cards", "", "Authorization", "Bearer "+h.token(role)), 200, "ok")
		}
	})
	t.Run("no token for a public route", func(t *testing.T) {
		h.must(h.send("POST", "/v1/notices", ""), 200, "ok")
		if h.function.event.RequestContext.Authorizer != nil {
			t.Error("an authorizer on a public route")
		}
	})
}

func TestClaimsReachTheFunctionAsText(t *testing.T) {
	h := build(t, nil)
	claims := h.claims()
	claims["account"], claims["verified"], claims["groups"], claims["exp"] = "a-1", true, []string{"a", "b"}, int64(4102444800)
	h.must(h.send("GET", "/v1/accounts/a-1/bills", "", "Authorization", "Bearer "+h.sign(jose.RS256, h.key, h.keyID, claims)), 200, "ok")
	got := h.function.event.RequestContext.Authorizer.JWT
	delete(got.Claims, "iat")
	delete(got.Claims, "nbf")
	want := map[string]string{
		"iss": h.issuer.URL(), "aud": audience, "sub": "mei", "scope": "wallet.read", "account": "a-1",
		"verified": "true", "groups": "[a b]", "exp": "4102444800",
	}
	if diff := cmp.Diff(want, got.Claims); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"wallet.read"}, got.Scopes); diff != "" {
		t.Error(diff)
	}
}

func TestIssuerOutOfReachIsNoWayIn(t *testing.T) {
	h := build(t, func(o *gateway.Options) { o.API.Issuer = "http://127.0.0.1:1" })
	got := h.send("GET", "/v1/accounts/a-1/bills", "", "Authorization", "Bearer "+h.token("viewer"))
	h.must(got, 401, unauthorized)
	if !strings.Contains(got.header.Get("Www-Authenticate"), "OIDC discovery endpoint communication error") {
		t.Error(got.header.Get("Www-Authenticate"))
	}
}
