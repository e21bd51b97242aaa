package mail

import (
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/unicode/bidi"
	"golang.org/x/text/unicode/norm"
)

// Voice says amounts, dates and names as one account's letters do: in its language, its zone and its currency. All of it is
// clean text.
type Voice struct {
	Language Language
	zone     *time.Location
	zoneName string
	currency string
}

// Speak is the voice for an account.
func Speak(language Language, zone *time.Location, currency string) Voice {
	return Voice{Language: language, zone: zone, zoneName: zone.String(), currency: currency}
}

// units are what Chinese calls the currencies; others are told by their code.
var units = map[string]string{"CNY": "元", "USD": "美元", "EUR": "欧元", "GBP": "英镑", "HKD": "港元", "SGD": "新加坡元"}

// Amount is a decimal of the account's currency: "CNY 1,234.50", "1,234.50 元". Empty stays empty.
func (v Voice) Amount(decimal string) string {
	if decimal == "" {
		return ""
	}
	text := grouped(v.Name(decimal))
	if unit := units[v.currency]; unit != "" && v.Language == Chinese {
		return text + " " + unit
	}
	return v.currency + " " + text
}

// Positive is Amount, and empty for nothing: rows that would tell of zero are left out.
func (v Voice) Positive(decimal string) string {
	if strings.Trim(decimal, "0.") == "" {
		return ""
	}
	return v.Amount(decimal)
}

// Cost is an exact cost with its first two decimals: what is beyond them is no money yet.
func (v Voice) Cost(exact string) string {
	whole, fraction, _ := strings.Cut(exact, ".")
	return v.Amount(whole + "." + (fraction + "00")[:2])
}

// grouped puts commas into the whole part of a decimal.
func grouped(decimal string) string {
	sign, digits := "", decimal
	if rest, negative := strings.CutPrefix(decimal, "-"); negative {
		sign, digits = "-", rest
	}
	whole, fraction, hasFraction := strings.Cut(digits, ".")
	var b strings.Builder
	for i, digit := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(digit)
	}
	if hasFraction {
		b.WriteString("." + fraction)
	}
	return sign + b.String()
}

// Instant is a date and time of day in the account's zone. The zero instant is empty.
func (v Voice) Instant(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	if v.Language == Chinese {
		return t.In(v.zone).Format("2006年1月2日 15:04")
	}
	return t.In(v.zone).Format("2 January 2006, 15:04")
}

// Day is a day of the account's calendar, given as "2026-11-01".
func (v Voice) Day(day string) string {
	return v.date(day, time.DateOnly, "2 January 2006", "2006年1月2日")
}

// Month is a month of the account's calendar, given as "2026-11".
func (v Voice) Month(month string) string {
	return v.date(month, "2006-01", "January 2006", "2006年1月")
}

func (v Voice) date(text, form, inEnglish, inChinese string) string {
	t, err := time.Parse(form, text)
	switch {
	case err != nil:
		return v.Name(text)
	case v.Language == Chinese:
		return t.Format(inChinese)
	}
	return t.Format(inEnglish)
}

// words are what the languages call what isn't a name.
var words = map[string][2]string{
	"regular":  {"Regular voucher", "普通代金券"},
	"discount": {"Discount voucher", "满减代金券"},
	"card":     {"Prepaid card", "预购卡"},
	"lot":      {"Voucher or prepaid card", "代金券或预购卡"},
	"total":    {"All products", "全部产品"},
	"aws":      {"AWS", "亚马逊云科技"},
	"alibaba":  {"Alibaba Cloud", "阿里云"},
	"huawei":   {"Huawei Cloud", "华为云"},
}

// Word is what the language calls a word of ours, such as a kind of vouchers. One that it doesn't know stays as it is.
func (v Voice) Word(word string) string {
	found, known := words[word]
	switch {
	case !known:
		return v.Name(word)
	case v.Language == Chinese:
		return found[1]
	}
	return found[0]
}

const (
	mostRunes  = 128
	mostListed = 10
)

// Name is somebody else's text, made harmless: one line of at most 128 visible characters. What is written from right to
// left is isolated, so that it can't turn what stands beside it.
func (v Voice) Name(text string) string {
	text = norm.NFC.String(strings.ToValidUTF8(text, "\uFFFD"))
	var b strings.Builder
	turned, runes := false, 0
	for _, r := range text {
		if runes++; runes > mostRunes {
			b.WriteRune('…')
			break
		}
		if !unicode.IsPrint(r) {
			r = ' '
		}
		properties, _ := bidi.LookupRune(r)
		turned = turned || properties.Class() == bidi.R || properties.Class() == bidi.AL
		b.WriteRune(r)
	}
	clean := strings.Join(strings.Fields(b.String()), " ")
	if turned {
		return "\u2068" + clean + "\u2069" // first strong isolate … pop directional isolate
	}
	return clean
}

// Names are several names, the first ten of them.
func (v Voice) Names(names []string) string { return v.NamesOf(names, false) }

// NamesOf are several names, and that there are more than those.
func (v Voice) NamesOf(names []string, more bool) string {
	comma, others := ", ", " and others"
	if v.Language == Chinese {
		comma, others = "、", "等"
	}
	clean := make([]string, 0, mostListed)
	for _, name := range names[:min(len(names), mostListed)] {
		clean = append(clean, v.Name(name))
	}
	list := strings.Join(clean, comma)
	if list != "" && (more || len(names) > mostListed) {
		list += others
	}
	return list
}
