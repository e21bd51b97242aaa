package recharge

import (
	"testing"
	"time"

	"billingcentre/shared/refusal"
)

func TestLimits(t *testing.T) {
	for _, row := range []struct {
		says   string
		limits Limits
		orders []string // each a minute after the one before, all unpaid
		kind   refusal.Kind
	}{
		{"five open ones", Limits{}, []string{"1.00", "1.00", "1.00", "1.00", "1.00"}, refusal.TooMany},
		{"four open ones", Limits{}, []string{"1.00", "1.00", "1.00", "1.00"}, ""},
		{"two, where two are allowed", Limits{Open: 2}, []string{"1.00", "1.00"}, refusal.TooMany},
		{"an amount above the order's limit", Limits{Order: 99}, nil, refusal.Invalid},
		{"an amount at the order's limit", Limits{Order: 100}, nil, ""},
		{"above the day's amount", Limits{Day: 150}, []string{"50.01"}, refusal.TooMany},
		{"at the day's amount", Limits{Day: 150}, []string{"50.00"}, ""},
		{"too many a day", Limits{Count: 2}, []string{"1.00", "1.00"}, refusal.TooMany},
	} {
		w := newWorld(t)
		w.desk.Limits = row.limits
		for i, amount := range row.orders {
			w.order(string(rune('a'+i)), amount)
			w.now = w.now.Add(time.Minute)
		}
		_, _, err := w.desk.Take(t.Context(), Wish{Account: "acme", Once: "last", Amount: "100.00"})
		if got := refusal.As(err); row.kind == "" && err != nil || row.kind != "" && (got == nil || got.Kind != row.kind) {
			t.Errorf("%s: %v", row.says, err)
		}
		w.now = w.now.Add(25 * time.Hour)
		if _, _, err := w.desk.Take(t.Context(), Wish{Account: "acme", Once: "tomorrow", Amount: "50.00"}); err != nil {
			t.Errorf("%s: the day after: %v", row.says, err)
		}
	}
}

func TestPayersComeBackToOurOwnPagesOnly(t *testing.T) {
	for url, want := range map[string]bool{
		"https://console.example.com":                        true,
		"https://console.example.com/":                       true,
		"https://console.example.com/done?order=1":           true,
		"https://Console.Example.com/done":                   true,
		"https://app.example.com/pay":                        true,
		"https://app.example.com/pay/done":                   true,
		"https://app.example.com/payments":                   false,
		"https://app.example.com/":                           false,
		"https://app.example.com/pay/../admin":               false,
		"https://app.example.com/pay/%2e%2e/admin":           false,
		"http://console.example.com/":                        false,
		"https://console.example.com.evil.example":           false,
		"https://evil.example/?https://console.example.com/": false,
		"https://console.example.com@evil.example/":          false,
		"https://user@console.example.com/":                  false,
		"https://console.example.com:8443/":                  false,
		"https://console.example.com\\@evil.example/":        false,
		"https://console.example.com/#x":                     false,
		"//console.example.com/":                             false,
		"javascript:alert(1)":                                false,
		"":                                                   false,
	} {
		got := below("https://console.example.com/", url) || below("https://app.example.com/pay", url)
		if got != want {
			t.Errorf("%q: %v", url, got)
		}
	}
}
