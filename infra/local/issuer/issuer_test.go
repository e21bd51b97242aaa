package issuer_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/google/go-cmp/cmp"

	"billingcentre/infra/local/issuer"
)

var noon = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

func open(t *testing.T, keyFile string) *issuer.Issuer {
	t.Helper()
	i, err := issuer.Open(issuer.Options{
		KeyFile: keyFile, URL: "http://issuer.test", Audience: "billing-centre", Now: func() time.Time { return noon },
	})
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func get(t *testing.T, i *issuer.Issuer, path string, into any) {
	t.Helper()
	w := httptest.NewRecorder()
	i.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	if w.Code != http.StatusOK {
		t.Fatalf("%s: %d", path, w.Code)
	}
	if err := json.Unmarshal(w.Body.Bytes(), into); err != nil {
		t.Fatal(err)
	}
}

// verified is what a token says, its signature checked by the key that the issuer publishes.
func verified(t *testing.T, i *issuer.Issuer, token string) map[string]any {
	t.Helper()
	var keys jose.JSONWebKeySet
	get(t, i, "/.well-known/jwks.json", &keys)
	parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		t.Fatal(err)
	}
	found := keys.Key(parsed.Headers[0].KeyID)
	if len(found) != 1 {
		t.Fatalf("%d keys of id %q", len(found), parsed.Headers[0].KeyID)
	}
	claims := map[string]any{}
	if err := parsed.Claims(found[0].Key, &claims); err != nil {
		t.Fatal(err)
	}
	return claims
}

func TestTokensOfRoles(t *testing.T) {
	i := open(t, filepath.Join(t.TempDir(), "key.pem"))
	for _, c := range []struct {
		claims       issuer.Claims
		scope, owner string
	}{
		{issuer.Claims{Role: "owner", Account: "a-1"}, "wallet.read wallet.write", "owner:a-1"},
		{issuer.Claims{Role: "viewer", Account: "a-1", Subject: "mei"}, "wallet.read", "mei"},
		{issuer.Claims{Role: "operator"}, "wallet.read wallet.write operator", "operator"},
		{issuer.Claims{Role: "partner", Partner: "p-1"}, "partner", "partner:p-1"},
	} {
		token, err := i.Token(c.claims, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		got := verified(t, i, token)
		want := map[string]any{
			"iss": "http://issuer.test", "aud": "billing-centre", "sub": c.owner, "role": c.claims.Role, "scope": c.scope,
			"iat": float64(noon.Unix()), "nbf": float64(noon.Unix()), "exp": float64(noon.Add(time.Hour).Unix()),
			"token_use": "access", "jti": got["jti"],
		}
		if c.claims.Account != "" {
			want["account"] = c.claims.Account
		}
		if c.claims.Partner != "" {
			want["partner"] = c.claims.Partner
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", c.claims.Role, diff)
		}
	}
}

func TestTokensRefused(t *testing.T) {
	i := open(t, filepath.Join(t.TempDir(), "key.pem"))
	for _, claims := range []issuer.Claims{{}, {Role: "root"}, {Role: "owner"}, {Role: "viewer", Partner: "p"}, {Role: "partner", Account: "a"}} {
		if token, err := i.Token(claims, time.Hour); err == nil {
			t.Errorf("%+v: %s", claims, token)
		}
	}
	if _, err := i.Token(issuer.Claims{Role: "operator"}, 0); err == nil {
		t.Error("a token for no time")
	}
}

func TestConfigurationLeadsToTheKeys(t *testing.T) {
	var configuration struct {
		Issuer string `json:"issuer"`
		Keys   string `json:"jwks_uri"`
	}
	get(t, open(t, filepath.Join(t.TempDir(), "key.pem")), "/.well-known/openid-configuration", &configuration)
	if configuration.Issuer != "http://issuer.test" || configuration.Keys != "http://issuer.test/.well-known/jwks.json" {
		t.Errorf("%+v", configuration)
	}
}

func TestKeyIsMadeOnceAndKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "deep", "key.pem")
	tokens := make([]string, 4)
	var all sync.WaitGroup
	for n := range tokens {
		all.Go(func() {
			i, err := issuer.Open(issuer.Options{KeyFile: path, URL: "http://issuer.test", Audience: "x"})
			if err == nil {
				tokens[n], err = i.Token(issuer.Claims{Role: "operator"}, time.Hour)
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	later := open(t, path)
	for _, token := range tokens {
		verified(t, later, token)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("the key's file may be read by others: %s", info.Mode())
	}
}

func TestBrokenKeyFileIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key.pem")
	if err := os.WriteFile(path, []byte("not a key"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := issuer.Open(issuer.Options{KeyFile: path, URL: "http://issuer.test", Audience: "x"}); err == nil {
		t.Error("opened")
	}
}
