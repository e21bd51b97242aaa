package webhook

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"
)

// Limits of one attempt.
const (
	patience   = 10 * time.Second // from the first byte sent to the answer's headers
	dialling   = 3 * time.Second
	maxHeaders = 16 << 10 // bytes of an answer's headers
)

// errForbidden says that a name leads to where nobody may post.
var errForbidden = errors.New("the address isn't public")

// Client posts to customers' URLs. Every address is checked when it is dialled, after the name was resolved: a name
// that changes where it leads, or leads to several addresses, gains nothing. Redirects are answers, not followed; no
// proxy is used; a connection isn't kept, so that none outlives the check by much.
func (a Addresses) Client() *http.Client {
	dialer := &net.Dialer{Timeout: dialling}
	if a != Anywhere {
		dialer.Control = func(_, address string, _ syscall.RawConn) error { return mayDial(address) }
	}
	return &http.Client{
		Timeout:       patience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext: dialer.DialContext, TLSHandshakeTimeout: dialling, ResponseHeaderTimeout: patience,
			MaxResponseHeaderBytes: maxHeaders, DisableCompression: true, DisableKeepAlives: true,
			TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12},
		},
	}
}

// mayDial checks the address that is about to be dialled.
func mayDial(address string) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: %s", errForbidden, address)
	}
	if !public(to.Addr()) {
		return errForbidden
	}
	return nil
}
