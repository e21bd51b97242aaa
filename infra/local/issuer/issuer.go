// Package issuer is the identity provider of the local stack: what a Cognito user pool, or a company's own OIDC
// provider, is to a deployment. It owns one RSA key, publishes it as OpenID Connect says, and signs access tokens.
// Who someone is, it is simply told: there is no log-in here.
package issuer

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// Scopes are what each role's tokens may do (README rule 1).
var Scopes = map[string][]string{
	"owner":    {"wallet.read", "wallet.write"},
	"viewer":   {"wallet.read"},
	"operator": {"wallet.read", "wallet.write", "operator"},
	"partner":  {"partner"},
}

// Options are an Issuer's settings.
type Options struct {
	KeyFile  string           // made on first use; tokens outlive a restart
	URL      string           // the issuer's own, without a slash at the end: iss, and where its handler is reached
	Audience string           // aud
	Now      func() time.Time // nil for the clock
}

// Issuer signs tokens. It is safe for concurrent use.
type Issuer struct {
	options Options
	public  jose.JSONWebKey
	signer  jose.Signer
}

// Open reads the issuer's key, or makes it.
func Open(o Options) (*Issuer, error) {
	if o.URL == "" || o.Audience == "" {
		return nil, errors.New("issuer: URL and Audience must be set")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	key, err := readOrMakeKey(o.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("issuer: %w", err)
	}
	public, err := publicKey(key)
	if err != nil {
		return nil, fmt.Errorf("issuer: %w", err)
	}
	signer, err := jose.NewSigner(
		jose.SigningKey{Algorithm: jose.RS256, Key: key},
		(&jose.SignerOptions{}).WithType("JWT").WithHeader("kid", public.KeyID))
	if err != nil {
		return nil, fmt.Errorf("issuer: %w", err)
	}
	return &Issuer{options: o, public: public, signer: signer}, nil
}

// publicKey names a key by its RFC 7638 thumbprint, so that the same key has the same name in every process.
func publicKey(key *rsa.PrivateKey) (jose.JSONWebKey, error) {
	public := jose.JSONWebKey{Key: key.Public(), Algorithm: string(jose.RS256), Use: "sig"}
	thumbprint, err := public.Thumbprint(thumbprintHash)
	if err != nil {
		return jose.JSONWebKey{}, fmt.Errorf("name the key: %w", err)
	}
	public.KeyID = fmt.Sprintf("%x", thumbprint[:8])
	return public, nil
}

// URL is the issuer's: the iss of its tokens.
func (i *Issuer) URL() string { return i.options.URL }

// Claims say who a token is for.
type Claims struct {
	Role    string // owner, viewer, operator or partner
	Account string // an owner's or viewer's account id
	Partner string // a partner's id
	Subject string // "" for the role, and whose it is
}

// claims as they stand in a token.
type payload struct {
	jwt.Claims
	Role    string `json:"role"`
	Account string `json:"account,omitempty"`
	Partner string `json:"partner,omitempty"`
	Scope   string `json:"scope"`
	Use     string `json:"token_use"`
}

// Token signs an access token that is valid from now for ttl.
func (i *Issuer) Token(c Claims, ttl time.Duration) (string, error) {
	if err := c.check(); err != nil {
		return "", err
	}
	if ttl <= 0 {
		return "", errors.New("a token must be valid for some time")
	}
	if c.Subject == "" {
		c.Subject = strings.TrimSuffix(c.Role+":"+c.Account+c.Partner, ":")
	}
	now := i.options.Now()
	return jwt.Signed(i.signer).Claims(payload{
		Claims: jwt.Claims{
			Issuer: i.options.URL, Audience: jwt.Audience{i.options.Audience}, Subject: c.Subject, ID: rand.Text(),
			IssuedAt: jwt.NewNumericDate(now), NotBefore: jwt.NewNumericDate(now), Expiry: jwt.NewNumericDate(now.Add(ttl)),
		},
		Role: c.Role, Account: c.Account, Partner: c.Partner, Scope: strings.Join(Scopes[c.Role], " "), Use: "access",
	}).Serialize()
}

func (c Claims) check() error {
	switch c.Role {
	case "owner", "viewer":
		if c.Account == "" {
			return fmt.Errorf("the role %s needs an account", c.Role)
		}
	case "partner":
		if c.Partner == "" {
			return errors.New("the role partner needs a partner")
		}
	case "operator":
	default:
		return fmt.Errorf("no role %q: one of %s", c.Role, strings.Join(slices.Sorted(maps.Keys(Scopes)), ", "))
	}
	return nil
}

// Handler serves what a verifier asks an OpenID Connect issuer for: its configuration and its public key.
func (i *Issuer) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", i.serve(map[string]any{
		"issuer":                                i.options.URL,
		"jwks_uri":                              i.options.URL + "/.well-known/jwks.json",
		"response_types_supported":              []string{"token"},
		"subject_types_supported":               []string{"public"},
		"id_token_signing_alg_values_supported": []string{string(jose.RS256)},
		"scopes_supported":                      []string{"wallet.read", "wallet.write", "operator", "partner"},
	}))
	mux.HandleFunc("GET /.well-known/jwks.json", i.serve(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{i.public}}))
	return mux
}

func (i *Issuer) serve(document any) http.HandlerFunc {
	text, err := json.Marshal(document)
	return func(w http.ResponseWriter, _ *http.Request) {
		if err != nil {
			http.Error(w, "internal error", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "max-age=300")
		_, _ = w.Write(text) // the client's loss, if it went away
	}
}
