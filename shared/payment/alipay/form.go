package alipay

import (
	"net/url"
	"sort"
	"strings"
	"unicode/utf8"

	"billingcentre/shared/pattern"
)

// The most that a notice may be. Real ones have some thirty fields and two to three kilobytes.
const (
	mostBody   = 64 << 10
	mostFields = 100
)

// fieldName is what Alipay names fields with. Nothing wider: '=' or '&' in a name would make two different forms sign alike.
var fieldName = pattern.Of(`^[A-Za-z][A-Za-z0-9_.]{0,63}$`)

// parseForm decodes an application/x-www-form-urlencoded body that has to be beyond doubt: every name once, every escape
// and every byte of UTF-8 right, no empty segment. net/url would pass over or repair most of that, so that what is
// verified and what is used could be two things. The reason is for the metric, and empty when all is well.
func parseForm(body []byte) (fields map[string]string, reason string) {
	switch {
	case len(body) == 0:
		return nil, "empty"
	case len(body) > mostBody:
		return nil, "too_large"
	}
	text := string(body)
	if strings.Count(text, "&") >= mostFields {
		return nil, "too_many_fields"
	}
	fields = make(map[string]string, 40)
	for segment := range strings.SplitSeq(text, "&") {
		rawName, rawValue, found := strings.Cut(segment, "=")
		name, err1 := url.QueryUnescape(rawName)
		value, err2 := url.QueryUnescape(rawValue)
		switch {
		case err1 != nil || err2 != nil:
			return nil, "escape"
		case !utf8.ValidString(name) || !utf8.ValidString(value):
			return nil, "utf8"
		case !found || !fieldName().MatchString(name):
			return nil, "field_name"
		}
		if _, twice := fields[name]; twice {
			return nil, "duplicate_key"
		}
		fields[name] = value
	}
	return fields, ""
}

// signedText is what Alipay signs of a notice: every field but sign and sign_type, decoded, sorted by name, empty values
// included, joined as name=value with '&'. Nothing is trimmed and nothing is skipped, so a field that was
// added, emptied or taken away breaks the signature, whatever its value.
func signedText(fields map[string]string) string {
	names := make([]string, 0, len(fields))
	size := 0
	for name, value := range fields {
		if name != "sign" && name != "sign_type" {
			names = append(names, name)
			size += len(name) + len(value) + 2
		}
	}
	sort.Strings(names)
	var b strings.Builder
	b.Grow(size)
	for i, name := range names {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(name)
		b.WriteByte('=')
		b.WriteString(fields[name])
	}
	return b.String()
}

// embedded finds, in a value, the text of another field: "&refund_fee=". The signed text has no quoting, so such a form signs
// exactly like one in which that field stands by itself: who could send it on could move or hide a field under a
// good signature. Real values have no reason to look like that (our subjects contain neither '&' nor '=').
var embedded = pattern.Of(`&[a-z][a-z0-9_]*=`)

// ambiguous names a field whose value contains another field, or is empty.
func ambiguous(fields map[string]string) string {
	for name, value := range fields {
		if name != "sign" && strings.Contains(value, "&") && embedded().MatchString(value) {
			return name
		}
	}
	return ""
}
