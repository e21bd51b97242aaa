package preference

import "strings"

const (
	mostLocal  = 64  // RFC 5321
	mostDomain = 253 // RFC 1035
	mostLabel  = 63
)

// Address reads an email address, and writes it the one way in which it is kept: its domain in small letters. It takes
// what mail systems agree on, "name@domain.example", and nothing else that RFC 5322 would allow: no display names, quotes,
// comments, numbers for hosts. Names beyond ASCII are left out because SES can't write to them; such a domain has its
// "xn--" form.
func Address(text string) (address string, ok bool) {
	at := strings.LastIndexByte(text, '@')
	if at < 0 {
		return "", false
	}
	local, domain := text[:at], strings.ToLower(text[at+1:])
	return local + "@" + domain, validLocal(local) && validDomain(domain)
}

func validLocal(local string) bool {
	if local == "" || len(local) > mostLocal {
		return false
	}
	for part := range strings.SplitSeq(local, ".") {
		if part == "" || strings.ContainsFunc(part, func(r rune) bool { return !alphanumeric(r) && !strings.ContainsRune("!#$%&'*+/=?^_`{|}~-", r) }) {
			return false
		}
	}
	return true
}

func validDomain(domain string) bool {
	labels := strings.Split(domain, ".")
	if len(domain) > mostDomain || len(labels) < 2 {
		return false
	}
	for _, label := range labels {
		odd := strings.ContainsFunc(label, func(r rune) bool { return !alphanumeric(r) && r != '-' })
		if label == "" || len(label) > mostLabel || odd || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
	}
	top := labels[len(labels)-1]
	return strings.ContainsFunc(top, func(r rune) bool { return r >= 'a' && r <= 'z' }) // not the end of 192.0.2.1
}

func alphanumeric(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
}
