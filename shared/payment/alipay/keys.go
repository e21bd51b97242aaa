package alipay

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
)

// leastBits is the smallest RSA key that RSA2 allows.
const leastBits = 2048

// parse reads and pins the keys. It catches the classic mistake of storing the app's own public key where Alipay's belongs,
// with which every notice would be refused, and anybody who holds the app's private key could write one.
func (s Secret) parse() (keys, error) {
	private, err := parsePrivateKey(s.PrivateKey)
	if err != nil {
		return keys{}, err
	}
	var k keys
	for _, member := range []struct {
		name, text string
		optional   bool
	}{{"alipay_public_key", s.PublicKey, false}, {"alipay_public_key_next", s.NextKey, true}} {
		if member.text == "" && member.optional {
			continue
		}
		public, err := parsePublicKey(member.text)
		if err != nil {
			return keys{}, fmt.Errorf("alipay: %s: %w", member.name, err)
		}
		if public.Equal(private.Public()) {
			return keys{}, fmt.Errorf("alipay: %s is the app's own public key, not Alipay's", member.name)
		}
		k.verify = append(k.verify, public)
	}
	return k, nil
}

func parsePrivateKey(text string) (*rsa.PrivateKey, error) {
	der, err := decodeKey(text)
	if err != nil {
		return nil, fmt.Errorf("alipay: private_key: %w", err)
	}
	key, err := x509.ParsePKCS1PrivateKey(der)
	if err != nil {
		parsed, err := x509.ParsePKCS8PrivateKey(der)
		key8, ok := parsed.(*rsa.PrivateKey)
		if err != nil || !ok {
			return nil, errors.New("alipay: private_key: not an RSA key in PKCS#1 or PKCS#8")
		}
		key = key8
	}
	if key.N.BitLen() < leastBits {
		return nil, fmt.Errorf("alipay: private_key: %d bits, RSA2 needs %d", key.N.BitLen(), leastBits)
	}
	return key, nil
}

func parsePublicKey(text string) (*rsa.PublicKey, error) {
	der, err := decodeKey(text)
	if err != nil {
		return nil, err
	}
	parsed, err := x509.ParsePKIXPublicKey(der)
	key, ok := parsed.(*rsa.PublicKey)
	if err != nil || !ok {
		return nil, errors.New("not an RSA public key in PKIX form")
	}
	if key.N.BitLen() < leastBits {
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
