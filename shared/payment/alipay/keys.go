package alipay

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"time"
)

// leastBits is the smallest RSA key that RSA2 allows.
const leastBits = 2048

// keys are what a Secret pins, parsed. How each of the two sides is renewed is up to itself, so each may have two.
type keys struct {
	apps   []app    // ours: the present one, then the next one
	alipay []pinned // Alipay's, likewise
	roots  string   // alipay_root_cert_sn; "" in public-key mode
}

// app is what we sign with.
type app struct {
	private     string            // as the SDK takes it
	certificate *x509.Certificate // nil in public-key mode
}

// pinned is a key that Alipay signs with.
type pinned struct {
	key         *rsa.PublicKey
	text        string            // as the SDK takes it
	certificate *x509.Certificate // nil in public-key mode
}

// certified tells whether the app is in certificate mode.
func (k keys) certified() bool { return k.roots != "" }

// parse reads and pins the keys, in the mode that the members of the Secret are of.
func (s Secret) parse(mode Mode, now time.Time) (keys, error) {
	public, certified := s.PublicKey+s.NextKey != "", s.AppCert+s.NextAppCert+s.AlipayCert+s.NextAlipayCert+s.RootCert != ""
	switch {
	case public && certified:
		return keys{}, errors.New("alipay: the secret has alipay_public_key and certificates: an app is in one mode or in the other")
	case certified:
		return s.parseCertified(mode, now)
	}
	return s.parsePublic()
}

// parsePublic pins plain keys. It catches the classic mistake of storing the app's own public key where Alipay's belongs,
// with which every notice would be refused, and anybody who holds the app's private key could write one.
func (s Secret) parsePublic() (keys, error) {
	var k keys
	var own []*rsa.PrivateKey
	for _, m := range members("private_key", s.PrivateKey, s.NextPrivateKey) {
		private, err := parsePrivateKey(m.text)
		if err != nil {
			return keys{}, fmt.Errorf("alipay: %s: %w", m.name, err)
		}
		own, k.apps = append(own, private), append(k.apps, app{private: strings.TrimSpace(m.text)})
	}
	for _, m := range members("alipay_public_key", s.PublicKey, s.NextKey) {
		public, err := parsePublicKey(m.text)
		if err == nil {
			err = notOurs(public, own)
		}
		if err != nil {
			return keys{}, fmt.Errorf("alipay: %s: %w", m.name, err)
		}
		k.alipay = append(k.alipay, pinned{key: public, text: strings.TrimSpace(m.text)})
	}
	return k, nil
}

// parseCertified pins certificates: each must be the owner's, in time, and lead to a root of Alipay's.
func (s Secret) parseCertified(mode Mode, now time.Time) (keys, error) {
	var k keys
	roots, err := parseCertificates(s.RootCert)
	if err == nil {
		if k.roots = rootSerial(roots); k.roots == "" {
			err = errors.New("no root for RSA2")
		}
	}
	if err != nil {
		return keys{}, fmt.Errorf("alipay: alipay_root_certificate: %w", err)
	}
	if s.NextPrivateKey != "" && s.NextAppCert == "" {
		return keys{}, errors.New("alipay: private_key_next: it has no app_certificate_next")
	}
	var own []*rsa.PrivateKey
	for i, m := range members("app_certificate", s.AppCert, s.NextAppCert) {
		text := s.PrivateKey
		if i > 0 && s.NextPrivateKey != "" {
			text = s.NextPrivateKey
		}
		private, err := parsePrivateKey(text)
		if err != nil {
			return keys{}, fmt.Errorf("alipay: private_key of %s: %w", m.name, err)
		}
		certificate, err := certificateOf(m.text, roots, mode, now)
		if err == nil && !private.PublicKey.Equal(certificate.PublicKey) {
			err = errors.New("it isn't of the app's private key")
		}
		if err != nil {
			return keys{}, fmt.Errorf("alipay: %s: %w", m.name, err)
		}
		own, k.apps = append(own, private), append(k.apps, app{strings.TrimSpace(text), certificate})
	}
	for _, m := range members("alipay_certificate", s.AlipayCert, s.NextAlipayCert) {
		certificate, err := certificateOf(m.text, roots, mode, now)
		var public *rsa.PublicKey
		if err == nil {
			if public, err = rsaKey(certificate.PublicKey); err == nil {
				err = notOurs(public, own)
			}
		}
		if err != nil {
			return keys{}, fmt.Errorf("alipay: %s: %w", m.name, err)
		}
		k.alipay = append(k.alipay, pinned{public, inPEM(certificate), certificate})
	}
	return k, nil
}

type member struct{ name, text string }

// members are a member of the secret, and the one that follows it, where there is one.
func members(name, text, next string) []member {
	all := []member{{name, text}}
	if next != "" {
		all = append(all, member{name + "_next", next})
	}
	return all
}

func certificateOf(text string, roots []*x509.Certificate, mode Mode, now time.Time) (*x509.Certificate, error) {
	chain, err := parseCertificates(text)
	if err != nil {
		return nil, err
	}
	return chain[0], checkChain(chain, roots, mode, now)
}

func notOurs(public *rsa.PublicKey, own []*rsa.PrivateKey) error {
	for _, private := range own {
		if public.Equal(private.Public()) {
			return errors.New("it is the app's own public key, not Alipay's")
		}
	}
	return nil
}

func parsePrivateKey(text string) (*rsa.PrivateKey, error) {
	der, err := decodeKey(text)
	if err != nil {
		return nil, err
	}
	key, err := x509.ParsePKCS1PrivateKey(der)
	if err != nil {
		parsed, err := x509.ParsePKCS8PrivateKey(der)
		key8, ok := parsed.(*rsa.PrivateKey)
		if err != nil || !ok {
			return nil, errors.New("not an RSA key in PKCS#1 or PKCS#8")
		}
		key = key8
	}
	if key.N.BitLen() < leastBits {
		return nil, fmt.Errorf("%d bits, RSA2 needs %d", key.N.BitLen(), leastBits)
	}
	return key, nil
}

func parsePublicKey(text string) (*rsa.PublicKey, error) {
	der, err := decodeKey(text)
	if err != nil {
		return nil, err
	}
	parsed, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return nil, errors.New("not an RSA public key in PKIX form")
	}
	return rsaKey(parsed)
}

func rsaKey(parsed any) (*rsa.PublicKey, error) {
	key, ok := parsed.(*rsa.PublicKey)
	switch {
	case !ok:
		return nil, errors.New("not an RSA public key")
	case key.N.BitLen() < leastBits:
		return nil, fmt.Errorf("%d bits, RSA2 needs %d", key.N.BitLen(), leastBits)
	}
	return key, nil
}

// decodeKey takes PEM or bare base64, and never tells what it was given.
func decodeKey(text string) ([]byte, error) {
	text = strings.TrimSpace(text)
	if strings.HasPrefix(text, "-") {
		block, rest := pem.Decode([]byte(text))
		if block == nil || len(strings.TrimSpace(string(rest))) > 0 {
			return nil, errors.New("not one PEM block")
		}
		return block.Bytes, nil
	}
	der, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(der) == 0 {
		return nil, errors.New("neither PEM nor base64")
	}
	return der, nil
}
