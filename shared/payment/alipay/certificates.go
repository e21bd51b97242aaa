package alipay

import (
	"crypto/md5" //nolint:gosec // Alipay names certificates by it; nothing is proved by it
	"crypto/rsa"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"time"
)

// parseCertificates reads a file of certificates as Alipay hands it out: PEM, the owner's first, those above it after
// it. What Go can't read is left out: Alipay's bundle of roots has one for SM2, which RSA2 never needs.
func parseCertificates(text string) ([]*x509.Certificate, error) {
	var found []*x509.Certificate
	rest := []byte(strings.TrimSpace(text))
	for len(rest) > 0 {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return nil, errors.New("not certificates in PEM")
		}
		if block.Type != "CERTIFICATE" {
			return nil, fmt.Errorf("a %s is not a certificate", strings.ToLower(block.Type))
		}
		if certificate, err := x509.ParseCertificate(block.Bytes); err == nil {
			found = append(found, certificate)
		}
	}
	if len(found) == 0 {
		return nil, errors.New("no certificate that can be read")
	}
	return found, nil
}

// serial is how Alipay names a certificate: the MD5 of its issuer's name and its number.
func serial(c *x509.Certificate) string {
	sum := md5.Sum([]byte(c.Issuer.String() + c.SerialNumber.String())) //nolint:gosec // see above
	return hex.EncodeToString(sum[:])
}

// rootSerial names a bundle of roots: those for RSA, in the bundle's order.
func rootSerial(roots []*x509.Certificate) string {
	var serials []string
	for _, root := range roots {
		if _, usable := root.PublicKey.(*rsa.PublicKey); usable {
			serials = append(serials, serial(root))
		}
	}
	return strings.Join(serials, "_")
}

// checkChain follows the signatures from a certificate to a root, as Alipay's own AntCertificationUtil does. That is less than
// x509.Verify asks for, and must be: Alipay's issuing certificates don't say that they are authorities. Its sandbox
// issues from a test root that isn't in the bundle which it hands out, so there the chain may end without one.
func checkChain(chain, roots []*x509.Certificate, mode Mode, now time.Time) error {
	at := chain[0]
	for steps := 0; ; steps++ {
		if err := checkTime(at, now); err != nil {
			return err
		}
		if root := issuer(at, roots); root != nil {
			return checkTime(root, now)
		}
		above := issuer(at, chain[1:])
		switch {
		case above == nil && mode == Sandbox:
			return nil
		case above == nil || above.Equal(at) || steps > len(chain):
			return errors.New("no root of Alipay's stands behind it")
		}
		at = above
	}
}

// issuer is who of some has signed a certificate.
func issuer(c *x509.Certificate, some []*x509.Certificate) *x509.Certificate {
	for _, above := range some {
		if string(above.RawSubject) == string(c.RawIssuer) && above.CheckSignature(c.SignatureAlgorithm, c.RawTBSCertificate, c.Signature) == nil {
			return above
		}
	}
	return nil
}

func checkTime(c *x509.Certificate, now time.Time) error {
	if now.Before(c.NotBefore) || now.After(c.NotAfter) {
		return fmt.Errorf("it is valid from %s to %s only", c.NotBefore.UTC().Format(time.DateOnly), c.NotAfter.UTC().Format(time.DateOnly))
	}
	return nil
}

// inPEM is a certificate alone, without those above it.
func inPEM(c *x509.Certificate) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
}
