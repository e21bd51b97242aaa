package alipay

import (
	"crypto/md5" //nolint:gosec // Alipay names certificates by it
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"time"
)

// Certificates are what an app in certificate mode has instead of Alipay's public key, and who issued them.
type Certificates struct {
	Root, Issuer *x509.Certificate
	App, Alipay  *x509.Certificate
	issuer       *rsa.PrivateKey
}

// The life of what is issued. Tests move clocks by days, never by years.
const (
	certificateAge  = 365 * 24 * time.Hour
	certificateLife = 30 * 365 * 24 * time.Hour
)

// Certified puts the app into certificate mode: a root, an authority below it, and a certificate for each side's key.
// As with the real ones, the authority's certificate doesn't say that it is one.
func (c Credentials) Certified() (Credentials, error) {
	root, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return c, err
	}
	authority, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return c, err
	}
	own := &Certificates{issuer: authority}
	if own.Root, err = issue("Local Certification Authority R1", &root.PublicKey, nil, root); err != nil {
		return c, err
	}
	if own.Issuer, err = issue("Local Certification Authority Class 2 R1", &authority.PublicKey, own.Root, root); err != nil {
		return c, err
	}
	c.Certificates = own
	return c.Issued()
}

// Issued gives both sides new certificates for the keys that they have now, by the same authority.
func (c Credentials) Issued() (Credentials, error) {
	if c.Certificates == nil {
		return c, nil
	}
	next := *c.Certificates
	var err error
	if next.App, err = issue(c.SellerID+"-"+c.AppID, &c.App.PublicKey, next.Issuer, next.issuer); err != nil {
		return c, err
	}
	if next.Alipay, err = issue("Local Alipay-"+c.SellerID, &c.Alipay.PublicKey, next.Issuer, next.issuer); err != nil {
		return c, err
	}
	c.Certificates = &next
	return c, nil
}

func issue(name string, key *rsa.PublicKey, by *x509.Certificate, with *rsa.PrivateKey) (*x509.Certificate, error) {
	number, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: number, Subject: pkix.Name{CommonName: name, OrganizationalUnit: []string{"Certification Authority"}, Organization: []string{"Local"}, Country: []string{"CN"}},
		NotBefore: time.Now().Add(-certificateAge), NotAfter: time.Now().Add(certificateLife), SignatureAlgorithm: x509.SHA256WithRSA,
	}
	if by == nil {
		template.IsCA, template.BasicConstraintsValid, by = true, true, template
	}
	der, err := x509.CreateCertificate(rand.Reader, template, by, key, with)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

// certSN is how Alipay names a certificate; for one of its own roots alone it is alipay_root_cert_sn.
func certSN(c *x509.Certificate) string {
	return fmt.Sprintf("%x", md5.Sum([]byte(c.Issuer.String()+c.SerialNumber.String()))) //nolint:gosec // see above
}

// pemCertificates writes certificates into one file, as Alipay's downloads have them.
func pemCertificates(all ...*x509.Certificate) (text string) {
	for _, c := range all {
		text += string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
	}
	return text
}

// checkCertificates checks which certificates a request names, and returns the key that must have signed it.
func (c Credentials) checkCertificates(params map[string]string, now time.Time) (*rsa.PublicKey, *fault) {
	named, root := params["app_cert_sn"], params["alipay_root_cert_sn"]
	if c.Certificates == nil {
		if named != "" || root != "" {
			return nil, certificateFault("isv.app-cert-not-exist", "the app has no certificates")
		}
		return &c.App.PublicKey, nil
	}
	switch own := c.Certificates.App; {
	case named == "":
		return nil, missing("app-cert-sn")
	case root == "":
		return nil, missing("alipay-root-cert-sn")
	case named != certSN(own):
		return nil, certificateFault("isv.app-cert-not-exist", "the app has no such certificate")
	case now.After(own.NotAfter):
		return nil, certificateFault("isv.app-cert-expired", "the app's certificate has expired")
	case root != certSN(c.Certificates.Root):
		return nil, invalid("alipay-root-cert-sn")
	}
	return &c.App.PublicKey, nil
}

func certificateFault(subCode, message string) *fault {
	return &fault{Code: "40002", Msg: "Invalid Arguments", SubCode: subCode, SubMsg: message}
}

// Change gives the gateway other credentials of the same app, as when keys or certificates are renewed. For as long as
// both, requests that are signed with the app's old ones are taken, too; what the gateway says is signed with the new.
func (g *Gateway) Change(next Credentials, both bool) error {
	if err := next.check(); err != nil {
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if next.AppID != g.credentials.AppID || next.SellerID != g.credentials.SellerID {
		return errors.New("alipay stand-in: these are another app's credentials")
	}
	g.before = nil
	if both {
		old := g.credentials
		g.before = &old
	}
	g.credentials = next
	return nil
}

// Credentials are those of now.
func (g *Gateway) Credentials() Credentials {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.credentials
}

// apps are the app's credentials that requests may be signed with.
func (g *Gateway) apps() []Credentials {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.before != nil {
		return []Credentials{g.credentials, *g.before}
	}
	return []Credentials{g.credentials}
}
