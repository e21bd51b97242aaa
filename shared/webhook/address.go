package webhook

import (
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"billingcentre/shared/refusal"
)

// Addresses says which URLs may be posted to.
type Addresses string

const (
	// Public is https to a name on the internet, by its usual port: all that a deployment allows.
	Public Addresses = "public"
	// Anywhere is http, any port and any host, too: for the machine of a developer.
	Anywhere Addresses = "any"
)

// maxURL is how long a URL may be.
const maxURL = 500

// Check refuses a URL by its form. Where its name leads is checked again whenever it is dialled (guard.go), since that
// may change.
func (a Addresses) Check(pointer, text string) error {
	if text == "" {
		return refusal.At(pointer, "is required")
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || len(text) > maxURL || strings.ContainsFunc(text, func(c rune) bool { return c <= ' ' || c > '~' }) || u.Hostname() == "" || u.Opaque != "":
		return refusal.At(pointer, "must be a URL of at most %d visible ASCII characters", maxURL)
	case u.User != nil || u.Fragment != "" || strings.Contains(text, "#"):
		return refusal.At(pointer, "must have neither a user nor a fragment")
	case a == Anywhere && (u.Scheme == "https" || u.Scheme == "http"):
		return nil
	case u.Scheme != "https":
		return refusal.At(pointer, "must begin with https://")
	case !slices.Contains([]string{"", "443", "8443"}, u.Port()):
		return refusal.At(pointer, "must have the port 443 or 8443")
	case !publicName(u.Hostname()):
		return refusal.At(pointer, "must name a host on the internet, not an address")
	}
	return nil
}

// publicName tells whether a name can lead to the internet: it has a domain, and isn't one of those for private use.
func publicName(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if _, err := netip.ParseAddr(host); err == nil || !strings.Contains(host, ".") {
		return false
	}
	last := host[strings.LastIndexByte(host, '.')+1:]
	return last >= "a" && // 127.1 and 1.0x7f are addresses to some resolvers: what begins with a digit is no top-level domain
		!slices.Contains([]string{"local", "localhost", "internal", "intranet", "lan", "home", "corp", "private", "test", "invalid", "onion", "arpa"}, last)
}

// forbidden are the networks that are not the internet, beside those that netip tells by name.
var forbidden = prefixes(
	"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
	"::/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16", "fec0::/10",
)

func prefixes(texts ...string) (list []netip.Prefix) {
	for _, text := range texts {
		list = append(list, netip.MustParsePrefix(text))
	}
	return list
}

// public tells whether an address is on the internet: none of a machine, a link, a private network, or one that stands
// for such an address in another form.
func public(address netip.Addr) bool {
	address = address.Unmap()
	if !address.IsGlobalUnicast() || address.IsPrivate() || address.Zone() != "" {
		return false
	}
	return !slices.ContainsFunc(forbidden, func(p netip.Prefix) bool { return p.Contains(address) })
}
