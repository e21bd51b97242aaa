package alipay

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"billingcentre/shared/pattern"
)

// Mode keeps real money and play money apart. A stack has one mode, its own keys and its own app.
type Mode string

// The modes. A local stand-in for the gateway runs in Sandbox.
const (
	Production Mode = "production"
	Sandbox    Mode = "sandbox"
)

// The gateways of Alipay.
const (
	ProductionGateway = "https://openapi.alipay.com/gateway.do"
	SandboxGateway    = "https://openapi-sandbox.dl.alipaydev.com/gateway.do"
)

// Config is all that the channel must be told.
type Config struct {
	Mode      Mode
	Secret    Secret
	NotifyURL string // where Alipay sends its notices: absolute, without query, fragment or user
	Gateway   string // instead of the sandbox's own; refused in production

	Timeout   time.Duration     // of one call, all in all; 8 s when zero
	Transport http.RoundTripper // under the checks of answers; one with time-outs of its own when nil
	Now       func() time.Time  // time.Now when nil
}

// Secret is the JSON that Secrets Manager keeps. Keys are PEM, or the bare base64 that Alipay's own tools print;
// certificates are Alipay's files as they are. Which of its two modes the app is in is told by what the secret has, and
// it can't have both. What is called next is good beside the present one for as long as a change lasts: put it there
// first, change at Alipay, then move it to the place of the old one.
type Secret struct {
	AppID          string `json:"app_id"`
	SellerID       string `json:"seller_id"`                  // our account at Alipay: 2088 and twelve digits
	PrivateKey     string `json:"private_key"`                // the app's own: signs our requests
	NextPrivateKey string `json:"private_key_next,omitempty"` // tried when Alipay refuses a signature of the other

	// Public-key mode: Alipay's keys, which prove its answers and notices.
	PublicKey string `json:"alipay_public_key,omitempty"`
	NextKey   string `json:"alipay_public_key_next,omitempty"`

	// Certificate mode: our certificate, Alipay's, and the roots behind both.
	AppCert        string `json:"app_certificate,omitempty"`         // appCertPublicKey_….crt
	NextAppCert    string `json:"app_certificate_next,omitempty"`    // of private_key_next, or of private_key without one
	AlipayCert     string `json:"alipay_certificate,omitempty"`      // alipayCertPublicKey_RSA2.crt
	NextAlipayCert string `json:"alipay_certificate_next,omitempty"` //
	RootCert       string `json:"alipay_root_certificate,omitempty"` // alipayRootCert.crt
}

// ParseSecret reads a Secret strictly. Its errors never contain any of the text.
func ParseSecret(text []byte) (Secret, error) {
	var s Secret
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&s); err != nil {
		return Secret{}, errors.New("alipay: the secret isn't the JSON object that is expected, or has unknown members")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Secret{}, errors.New("alipay: the secret has text after its JSON object")
	}
	return s, nil
}

// String hides everything: a configuration that is printed by mistake leaks nothing.
func (s Secret) String() string { return "alipay.Secret(app " + s.AppID + ")" }

// GoString hides as String does.
func (s Secret) GoString() string { return s.String() }

var (
	appIDForm    = pattern.Of(`^[0-9]{16}$`)
	sellerIDForm = pattern.Of(`^2088[0-9]{12}$`)
)

// sandboxApp tells whether Alipay issued the app id for its sandbox: they begin unlike any of production.
func sandboxApp(id string) bool {
	return strings.HasPrefix(id, "9021000") || strings.HasPrefix(id, "2021000")
}

// check refuses everything that would make sandbox and production touch, and everything that can only fail later. It
// returns the gateway to use and the keys. No error contains a key.
func (c Config) check() (gateway string, k keys, err error) {
	switch {
	case c.Mode != Production && c.Mode != Sandbox:
		return "", k, fmt.Errorf("alipay: mode must be %q or %q, not %q", Production, Sandbox, c.Mode)
	case !appIDForm().MatchString(c.Secret.AppID):
		return "", k, errors.New("alipay: app_id must be 16 digits")
	case !sellerIDForm().MatchString(c.Secret.SellerID):
		return "", k, errors.New("alipay: seller_id must be 2088 and 12 digits")
	case sandboxApp(c.Secret.AppID) != (c.Mode == Sandbox):
		return "", k, fmt.Errorf("alipay: app %s doesn't belong to mode %s", c.Secret.AppID, c.Mode)
	}
	if gateway, err = c.gateway(); err != nil {
		return "", k, err
	}
	if err := c.checkNotifyURL(); err != nil {
		return "", k, err
	}
	k, err = c.Secret.parse(c.Mode, c.now())
	return gateway, k, err
}

func (c Config) now() time.Time {
	if c.Now != nil {
		return c.Now()
	}
	return time.Now()
}

func (c Config) gateway() (string, error) {
	if c.Mode == Production {
		if c.Gateway != "" && c.Gateway != ProductionGateway {
			return "", errors.New("alipay: in production the gateway is Alipay's own")
		}
		return ProductionGateway, nil
	}
	if c.Gateway == "" {
		return SandboxGateway, nil
	}
	u, err := url.Parse(c.Gateway)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.RawQuery != "" || u.User != nil {
		return "", errors.New("alipay: the gateway must be an absolute http(s) URL without query or user")
	}
	if host := strings.ToLower(u.Hostname()); host == "alipay.com" || strings.HasSuffix(host, ".alipay.com") {
		return "", errors.New("alipay: a sandbox must not call the production gateway")
	}
	return c.Gateway, nil
}

func (c Config) checkNotifyURL() error {
	u, err := url.Parse(c.NotifyURL)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return errors.New("alipay: the notify URL must be an absolute http(s) URL")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || u.User != nil:
		return errors.New("alipay: the notify URL must have no query, fragment or user")
	case c.Mode == Production && u.Scheme != "https":
		return errors.New("alipay: in production the notify URL must be https")
	}
	return nil
}
