package mail_test

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"billingcentre/shared/mail"
)

var update = flag.Bool("update", false, "write the golden letters anew: read them before you commit them")

func voice(t *testing.T, language mail.Language) mail.Voice {
	t.Helper()
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	return mail.Speak(language, zone, "CNY")
}

// samples are facts for every kind, more than one where lines come and go.
func samples(v mail.Voice) map[mail.Kind]map[string]mail.Facts {
	at := func(text string) string {
		t, err := time.Parse(time.RFC3339, text)
		if err != nil {
			panic(err)
		}
		return v.Instant(t)
	}
	now, deadline := at("2026-11-03T16:00:00Z"), at("2026-11-17T16:00:00Z")
	spaces := v.Names([]string{"shop", "shop-test"})
	return map[mail.Kind]map[string]mail.Facts{
		mail.ToppedUp: {
			"": {"amount": v.Amount("12000.00"), "time": now, "repaid": v.Positive("0.00"), "arrears": v.Positive("0.00"), "cash": v.Amount("12345.60"), "reference": "2026110322001"},
			"repays": {
				"amount": v.Amount("100.00"), "time": now, "repaid": v.Positive("100.00"), "arrears": v.Positive("23.45"), "cash": v.Amount("0.00"), "reference": "",
			},
		},
		mail.CardBought: {
			"": {
				"face": v.Amount("100.00"), "card": "2ZWW-HY02-9QV3-PB7E", "card_expires": deadline, "cash": v.Amount("0.00"), "gift": "", "voucher": "", "voucher_expires": "",
			},
			"gift": {
				"face": v.Amount("30000.00"), "card": "2ZWW-HY02-9QV3-PB7E", "card_expires": deadline, "cash": v.Amount("1.00"), "gift": v.Amount("5000.00"), "voucher": "7KXA-0001-ABCD-EFGH", "voucher_expires": deadline,
			},
		},
		mail.VoucherActivated: {"": {
			"lot": v.Word("regular"), "face": v.Amount("20.00"), "voucher": "7KXA-0001-ABCD-EFGH", "min_bill": "", "expires": deadline,
		}},
		mail.LotExpiring: {"": {"lot": v.Word("card"), "number": "2ZWW-HY02-9QV3-PB7E", "remaining": v.Amount("31.60"), "expires": deadline}},
		mail.LotLapsed:   {"": {"lot": v.Word("lot"), "number": "2ZWW-HY02-9QV3-PB7E", "amount": v.Amount("31.60"), "time": now}},
		mail.MonthlyBill: {"": {
			"month": v.Month("2026-10"), "total": v.Amount("253.60"), "cash": v.Positive("100.00"), "cloud": v.Positive("0.00"), "vouchers": v.Positive("140.10"),
			"cards": v.Positive("10.00"), "overdue": v.Positive("3.50"), "adjustments": v.Positive("-1.20"), "arrears": v.Positive("3.50"),
		}},
		mail.ArrearsCountdown: {"": {"arrears": v.Amount("3.50"), "month": v.Month("2026-10"), "deadline": deadline}},
		mail.ArrearsReminder:  {"": {"arrears": v.Amount("3.50"), "month": v.Month("2026-10"), "deadline": deadline}},
		mail.Locked:           {"": {"arrears": v.Amount("3.50"), "time": deadline, "workspaces": spaces}},
		mail.Unlocked:         {"": {"time": deadline, "workspaces": spaces}},
		mail.LowBalance:       {"": {"balance": v.Amount("99.99"), "limit": v.Amount("100.00"), "time": now}},
		mail.HighConsumption: {
			"total":   {"day": v.Day("2026-11-02"), "product": v.Word("total"), "spent": v.Amount("253.60"), "limit": v.Amount("250.00")},
			"product": {"day": v.Day("2026-11-02"), "product": v.Name("logs"), "spent": v.Amount("52.50"), "limit": v.Amount("50.00")},
		},
		mail.CloudUnlinked: {
			"alibaba": {"provider": v.Word("alibaba"), "customer": v.Name("1234567890"), "workspaces": spaces, "time": now, "returned": now, "deadline": ""},
			"aws":     {"provider": v.Word("aws"), "customer": v.Name("c-1"), "workspaces": spaces, "time": now, "returned": "", "deadline": deadline},
		},
		mail.CloudReminder: {"": {"provider": v.Word("huawei"), "customer": v.Name("c-1"), "workspaces": spaces, "time": now, "deadline": deadline}},
		mail.CloudLocked:   {"": {"provider": v.Word("huawei"), "customer": v.Name("c-1"), "workspaces": spaces, "time": now, "deadline": deadline}},
	}
}

func TestEveryLetterInBothLanguages(t *testing.T) {
	for _, language := range []mail.Language{mail.English, mail.Chinese} {
		v := voice(t, language)
		all := samples(v)
		for _, kind := range mail.Kinds {
			if len(all[kind]) == 0 {
				t.Errorf("%s has no sample", kind)
			}
			for variant, facts := range all[kind] {
				letter, err := mail.Compose(kind, v, "Acme Ltd", facts)
				if err != nil {
					t.Error(err)
					continue
				}
				name := string(kind)
				if variant != "" {
					name += "-" + variant
				}
				golden(t, name+"."+string(language)+".txt", "Subject: "+letter.Subject+"\n\n"+letter.Plain)
				golden(t, name+"."+string(language)+".html", letter.HTML)
			}
		}
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

// What a letter may be made of: nothing that is fetched, run, followed or filled in.
func TestNothingInALetterIsFetchedOrClicked(t *testing.T) {
	v := voice(t, mail.English)
	for kind, variants := range samples(v) {
		for _, facts := range variants {
			letter, err := mail.Compose(kind, v, "Acme", facts)
			if err != nil {
				t.Fatal(err)
			}
			for _, bad := range []string{"<img", "<script", "<link", "<form", "href", "src=", "url(", "http:", "https:"} {
				if strings.Contains(letter.HTML, bad) {
					t.Errorf("%s has %s", kind, bad)
				}
			}
			if size := len(letter.HTML) + len(letter.Plain); size > 8<<10 {
				t.Errorf("%s has %d bytes", kind, size)
			}
		}
	}
}

func TestWhatOthersWroteCannotLeaveItsPlace(t *testing.T) {
	v := voice(t, mail.English)
	for name, row := range map[string]struct{ text, clean, html string }{
		"HTML":                        {`<script>alert(1)</script>`, `<script>alert(1)</script>`, `&lt;script&gt;alert(1)&lt;/script&gt;`},
		"an attribute's end":          {`" onclick="x`, `" onclick="x`, `&#34; onclick=&#34;x`},
		"a header (H76)":              {"logs\r\nBcc: all@example.com", "logs Bcc: all@example.com", "logs Bcc: all@example.com"},
		"a separator of lines":        {"a\u2028b\u0085c", "a b c", "a b c"},
		"an override (H73)":           {"\u202Egnp.exe", "gnp.exe", "gnp.exe"},
		"an end of an isolate":        {"a\u2069\u2069b", "a b", "a b"},
		"Hebrew, isolated":            {"שלום 1", "\u2068שלום 1\u2069", "\u2068שלום 1\u2069"},
		"what looks like a blank":     {"{limit} {{7*7}}", "{limit} {{7*7}}", "{limit} {{7*7}}"},
		"bytes that aren't UTF-8":     {"a\xffb", "a\uFFFDb", "a\uFFFDb"},
		"more than anybody will read": {strings.Repeat("x", 500), strings.Repeat("x", 128) + "…", strings.Repeat("x", 128) + "…"},
		"twins are one (NFC)":         {"e\u0301", "é", "é"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := v.Name(row.text); got != row.clean {
				t.Errorf("%q, want %q", got, row.clean)
			}
			letter, err := mail.Compose(mail.HighConsumption, v, row.text, mail.Facts{
				"day": v.Day("2026-11-02"), "product": v.Name(row.text), "spent": v.Amount("2.00"), "limit": v.Amount("1.00"),
			})
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(letter.Plain, "Product: "+row.clean+"\n") || !strings.Contains(letter.Plain, "Account: "+row.clean+"\n") {
				t.Errorf("plain:\n%s", letter.Plain)
			}
			if strings.Count(letter.HTML, "<bdi>"+row.html+"</bdi>") != 2 {
				t.Errorf("HTML:\n%s", letter.HTML)
			}
		})
	}
}

// Should a fact come in that no Voice has said, it still breaks neither a header nor a row.
func TestASubjectIsOneLine(t *testing.T) {
	v := voice(t, mail.Chinese)
	letter, err := mail.Compose(mail.LowBalance, v, "Acme", mail.Facts{"balance": "1\r\nBcc: x@example.com", "limit": "2", "time": "3"})
	if err != nil || strings.ContainsAny(letter.Subject, "\r\n") || strings.Contains(letter.Plain, "\r") {
		t.Errorf("%q, %v", letter.Subject, err)
	}
}

func TestAFactThatNobodyGaveIsAFault(t *testing.T) {
	_, err := mail.Compose(mail.LowBalance, voice(t, mail.English), "Acme", mail.Facts{"balance": "1"})
	if err == nil || !strings.Contains(err.Error(), "{limit}, {time}") {
		t.Errorf("%v", err)
	}
	if _, err := mail.Compose("love", voice(t, mail.English), "Acme", nil); err == nil {
		t.Error("a love letter was written")
	}
}

func TestAmountsAndDates(t *testing.T) {
	en, zh := voice(t, mail.English), voice(t, mail.Chinese)
	for in, want := range map[string][2]string{
		"0.05": {"CNY 0.05", "0.05 元"}, "999.00": {"CNY 999.00", "999.00 元"}, "1000.00": {"CNY 1,000.00", "1,000.00 元"},
		"-1234567.89": {"CNY -1,234,567.89", "-1,234,567.89 元"}, "100000000.00": {"CNY 100,000,000.00", "100,000,000.00 元"}, "": {"", ""},
	} {
		if got := [2]string{en.Amount(in), zh.Amount(in)}; got != want {
			t.Errorf("%s: %q", in, got)
		}
	}
	if en.Positive("0.00") != "" || en.Positive("0.01") == "" || en.Positive("-0.10") == "" {
		t.Error("only nothing is left out")
	}
	midnight := time.Date(2026, 11, 3, 16, 0, 0, 0, time.UTC) // in Shanghai the next day has begun
	if got := []string{
		en.Instant(midnight), zh.Instant(midnight), en.Day("2026-11-01"), zh.Day("2026-11-01"), en.Month("2026-11"), zh.Month("2026-11"), en.Instant(time.Time{}),
	}; !slices.Equal(got, []string{"4 November 2026, 00:00", "2026年11月4日 00:00", "1 November 2026", "2026年11月1日", "November 2026", "2026年11月", ""}) {
		t.Errorf("%q", got)
	}
	if got := zh.Names(strings.Split("abcdefghijklm", "")); got != "a、b、c、d、e、f、g、h、i、j等" {
		t.Error(got)
	}
}
