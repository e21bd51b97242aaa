package preference_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"billingcentre/shared/api"
	"billingcentre/shared/ledger/memory"
	"billingcentre/shared/mail"
	"billingcentre/shared/money"
	"billingcentre/shared/preference"
	"billingcentre/shared/refusal"
)

var noon = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

func TestAddresses(t *testing.T) {
	label := strings.Repeat("a", 63)
	for text, want := range map[string]string{
		"finance@example.com":                       "finance@example.com",
		"First.Last+billing@Mail.Example.COM":       "First.Last+billing@mail.example.com",
		"o'brien_1%x@sub.example.co":                "o'brien_1%x@sub.example.co",
		"a@xn--fiqs8s.xn--fiqs8s":                   "a@xn--fiqs8s.xn--fiqs8s",
		strings.Repeat("a", 64) + "@" + "b.example": strings.Repeat("a", 64) + "@b.example",
		"a@" + label + ".example":                   "a@" + label + ".example",
		// Everything else is none.
		"": "", "finance": "", "@example.com": "", "a@": "", "a@b": "", "a@localhost": "", "a b@example.com": "", " a@example.com": "", "a@example.com ": "",
		"a@example.com\r\nBcc: b@example.com": "", "a\n@example.com": "", "a@b@example.com": "", `"a b"@example.com`: "", "a(comment)@example.com": "",
		"Finance <a@example.com>": "", "a@example.com,b@example.com": "", "a@example.com;b@example.com": "", ".a@example.com": "", "a.@example.com": "", "a..b@example.com": "",
		"a@.example.com": "", "a@example..com": "", "a@example.com.": "", "a@-example.com": "", "a@example-.com": "", "a@exam_ple.com": "", "a@192.0.2.1": "", "a@[192.0.2.1]": "",
		"财务@example.com": "", "a@例子.中国": "", "a@example.com\u202e": "", "a\u0000@example.com": "", "<script>@example.com": "",
		strings.Repeat("a", 65) + "@example.com": "", "a@" + label + "a.example": "", "a@" + strings.Repeat("a.", 127) + "example": "",
	} {
		got, ok := preference.Address(text)
		if ok != (want != "") || ok && got != want {
			t.Errorf("%q is %q, %v", text, got, ok)
		}
	}
}

func wish() preference.Preferences {
	return preference.Preferences{
		Account: "acme", Addresses: []string{"a@example.com", "B@Example.com"}, Language: mail.Chinese, Unwanted: []mail.Kind{mail.ToppedUp},
		LowBalance: "100", DayTotal: "250.5", DayProduct: []preference.ProductLimit{{Product: "logs", Amount: "50.00"}},
	}
}

func TestWhatIsKeptIsWrittenOneWay(t *testing.T) {
	p := wish()
	var check api.Check
	p.Check(&check, money.CNY)
	if err := check.Err(); err != nil {
		t.Fatal(err)
	}
	want := wish()
	want.Addresses[1], want.LowBalance, want.DayTotal = "B@example.com", "100.00", "250.50"
	if diff := cmp.Diff(want, p); diff != "" {
		t.Error(diff)
	}
}

func TestEveryWrongFieldIsTold(t *testing.T) {
	six := strings.Split(strings.Repeat("a@example.com ", 6), " ")[:6]
	for name, row := range map[string]struct {
		spoil func(*preference.Preferences)
		want  []string
	}{
		"a version below 0":    {func(p *preference.Preferences) { p.Version = -1 }, []string{"/version"}},
		"no language":          {func(p *preference.Preferences) { p.Language = "" }, []string{"/language"}},
		"another language":     {func(p *preference.Preferences) { p.Language = "EN" }, []string{"/language"}},
		"no address":           {func(p *preference.Preferences) { p.Addresses[1] = "finance" }, []string{"/addresses/1"}},
		"one address twice":    {func(p *preference.Preferences) { p.Addresses[1] = "A@EXAMPLE.com" }, []string{"/addresses/1"}},
		"six addresses":        {func(p *preference.Preferences) { p.Addresses = six }, []string{"/addresses"}},
		"an unknown kind":      {func(p *preference.Preferences) { p.Unwanted = []mail.Kind{"love"} }, []string{"/unwanted/0"}},
		"a vital kind":         {func(p *preference.Preferences) { p.Unwanted = []mail.Kind{mail.LotExpiring, mail.Locked} }, []string{"/unwanted/1"}},
		"more than all kinds":  {func(p *preference.Preferences) { p.Unwanted = slices.Repeat([]mail.Kind{"love"}, 60_000) }, []string{"/unwanted"}},
		"a kind twice":         {func(p *preference.Preferences) { p.Unwanted = []mail.Kind{mail.ToppedUp, mail.ToppedUp} }, []string{"/unwanted/1"}},
		"limits of nothing":    {func(p *preference.Preferences) { p.LowBalance, p.DayTotal = "0", "0.00" }, []string{"/low_balance", "/high_consumption/total"}},
		"limits that are none": {func(p *preference.Preferences) { p.LowBalance, p.DayTotal = "-1", "1e2" }, []string{"/low_balance", "/high_consumption/total"}},
		"products": {func(p *preference.Preferences) {
			p.DayProduct = []preference.ProductLimit{{}, {Product: "x", Amount: "1"}, {Product: "x", Amount: "2"}}
		}, []string{"/high_consumption/products/0/product", "/high_consumption/products/0/amount", "/high_consumption/products/2/product"}},
		"too many products": {func(p *preference.Preferences) { p.DayProduct = make([]preference.ProductLimit, 51) }, []string{"/high_consumption/products"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := wish()
			row.spoil(&p)
			var check api.Check
			p.Check(&check, money.CNY)
			no := refusal.As(check.Err())
			if no == nil {
				t.Fatal("it was taken")
			}
			var got []string
			for _, field := range no.Fields {
				got = append(got, field.Pointer)
			}
			if diff := cmp.Diff(row.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAChangeIsMadeOnWhatWasRead(t *testing.T) {
	store := new(memory.Store)
	none, err := preference.Load(t.Context(), store, "acme")
	if err != nil || none.Version != 0 || len(none.Addresses) > 0 || !none.Wants(mail.ToppedUp) {
		t.Fatalf("%+v, %v", none, err)
	}
	first := wish()
	save := func(p preference.Preferences) (preference.Preferences, error) {
		return preference.Save(t.Context(), store, p, "pat", noon)
	}
	kept, err := save(first)
	if err != nil || kept.Version != 1 {
		t.Fatalf("%+v, %v", kept, err)
	}
	if again, err := save(first); err != nil || again.Version != 1 {
		t.Errorf("the same again: %+v, %v", again, err)
	}
	other := wish()
	other.LowBalance = "1.00"
	if _, err := save(other); !refusal.Is(err, refusal.Conflict) {
		t.Errorf("on a version that is gone: %v", err)
	}
	other.Version = 1
	if kept, err = save(other); err != nil || kept.Version != 2 {
		t.Errorf("%+v, %v", kept, err)
	}
	loaded, err := preference.Load(t.Context(), store, "acme")
	if diff := cmp.Diff(kept, loaded); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
}

func TestVitalKindsAreAlwaysWanted(t *testing.T) {
	p := preference.Preferences{Unwanted: mail.Kinds}
	for _, kind := range mail.Kinds {
		vital := map[mail.Kind]bool{"arrears_countdown": true, "arrears_reminder": true, "locked": true, "unlocked": true, "cloud_unlinked": true, "cloud_reminder": true, "cloud_locked": true}[kind]
		if p.Wants(kind) != vital {
			t.Errorf("%s is wanted: %v", kind, p.Wants(kind))
		}
	}
}
