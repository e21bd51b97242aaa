package alipay

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"billingcentre/infra/local/wholefile"
	channel "billingcentre/shared/payment/alipay"
)

// Credentials are both sides of the relation between an app and Alipay: what the app must know, and what only Alipay has.
type Credentials struct {
	AppID    string
	SellerID string
	App      *rsa.PrivateKey // the app's: signs requests
	Alipay   *rsa.PrivateKey // Alipay's: signs answers and notices

	Certificates *Certificates // nil in public-key mode
}

// stored is how credentials lie in their file.
type stored struct {
	AppID    string `json:"app_id"`
	SellerID string `json:"seller_id"`
	App      string `json:"app_private_key"`
	Alipay   string `json:"alipay_private_key"`
}

// fileName is the credentials' file in the folder that the stack gives.
const fileName = "alipay-keys.json"

// LoadOrCreate reads the credentials kept in a folder, or makes new ones and keeps them there, for the owner's eyes only.
func LoadOrCreate(dir string) (Credentials, error) {
	path := filepath.Join(dir, fileName)
	text, err := os.ReadFile(path)
	if err == nil {
		return parseCredentials(text)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return Credentials{}, err
	}
	c, err := NewCredentials()
	if err != nil {
		return Credentials{}, err
	}
	text, err = json.MarshalIndent(stored{c.AppID, c.SellerID, pemKey(c.App), pemKey(c.Alipay)}, "", "  ")
	if err != nil {
		return Credentials{}, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return Credentials{}, err
	}
	return c, wholefile.Write(path, text)
}

// NewCredentials makes an app of Alipay's sandbox, with new keys.
func NewCredentials() (Credentials, error) {
	c := Credentials{AppID: "9021000" + digits(9), SellerID: "2088" + digits(12)}
	var err error
	if c.App, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
		return Credentials{}, err
	}
	c.Alipay, err = rsa.GenerateKey(rand.Reader, 2048)
	return c, err
}

// parseCredentials reads what LoadOrCreate wrote.
func parseCredentials(text []byte) (Credentials, error) {
	var s stored
	if err := json.Unmarshal(text, &s); err != nil {
		return Credentials{}, fmt.Errorf("alipay stand-in: the credentials aren't JSON: %w", err)
	}
	c := Credentials{AppID: s.AppID, SellerID: s.SellerID}
	var err error
	if c.App, err = parseKey(s.App); err != nil {
		return Credentials{}, err
	}
	c.Alipay, err = parseKey(s.Alipay)
	return c, err
}

func (c Credentials) check() error {
	if c.AppID == "" || c.SellerID == "" || c.App == nil || c.Alipay == nil {
		return errors.New("alipay stand-in: the credentials are incomplete")
	}
	return nil
}

// Secret is the app's side: what the functions' secret holds.
func (c Credentials) Secret() (channel.Secret, error) {
	if own := c.Certificates; own != nil {
		return channel.Secret{
			AppID: c.AppID, SellerID: c.SellerID, PrivateKey: pemKey(c.App), AppCert: pemCertificates(own.App, own.Issuer),
			AlipayCert: pemCertificates(own.Alipay, own.Issuer), RootCert: pemCertificates(own.Root),
		}, nil
	}
	public, err := publicPEM(&c.Alipay.PublicKey)
	if err != nil {
		return channel.Secret{}, err
	}
	return channel.Secret{AppID: c.AppID, SellerID: c.SellerID, PrivateKey: pemKey(c.App), PublicKey: public}, nil
}

// SecretJSON is Secret as Secrets Manager keeps it.
func (c Credentials) SecretJSON() ([]byte, error) {
	s, err := c.Secret()
	if err != nil {
		return nil, err
	}
	return json.Marshal(s)
}

// SignNotice signs fields as Alipay signs a notice and returns the form that is posted. Fields must not have sign; a sign_type is
// sent as given, RSA2 when absent. It signs whatever it is told: that is how tests make notices that Alipay would never send.
func (c Credentials) SignNotice(fields map[string]string) (string, error) {
	form := url.Values{"sign_type": {"RSA2"}}
	for name, value := range fields {
		form.Set(name, value)
	}
	signature, err := sign(c.Alipay, joined(fields, func(name, _ string) bool { return name != "sign_type" }))
	if err != nil {
		return "", err
	}
	form.Set("sign", signature)
	return form.Encode(), nil
}

// joined is the text that is signed: the chosen fields, sorted by name, as name=value joined with '&'.
func joined(fields map[string]string, chosen func(name, value string) bool) string {
	var names []string
	for name, value := range fields {
		if chosen(name, value) {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	for i, name := range names {
		names[i] = name + "=" + fields[name]
	}
	return strings.Join(names, "&")
}

func sign(key *rsa.PrivateKey, text string) (string, error) {
	sum := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:])
	return base64.StdEncoding.EncodeToString(signature), err
}

func verify(key *rsa.PublicKey, text, signature string) bool {
	raw, err := base64.StdEncoding.DecodeString(signature)
	sum := sha256.Sum256([]byte(text))
	return err == nil && rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], raw) == nil
}

func pemKey(key *rsa.PrivateKey) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
}

func publicPEM(key *rsa.PublicKey) (string, error) {
	der, err := x509.MarshalPKIXPublicKey(key)
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})), err
}

func parseKey(text string) (*rsa.PrivateKey, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, errors.New("alipay stand-in: a key isn't PEM")
	}
	return x509.ParsePKCS1PrivateKey(block.Bytes)
}
