package bill

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"billingcentre/shared/money"
	"billingcentre/shared/refusal"
	"billingcentre/shared/wallet"
)

const good = `{"version":1,"bill_id":"b-1","workspace_id":"ws-1","day":"2026-11-01","currency":"CNY","lines":[{"product":"sms","usage":"45","unit":"message","unit_price":"0.1","amount":"4.5"}]}`

// with is the good bill with one piece of its text replaced.
func with(old, new string) string {
	if !strings.Contains(good, old) {
		panic("the good bill doesn't contain " + old)
	}
	return strings.Replace(good, old, new, 1)
}

func exactOf(text string) money.Exact {
	e, err := money.ParseExact("", text, money.CNY)
	if err != nil {
		panic(err)
	}
	return e
}

func TestDecodeReadsABill(t *testing.T) {
	got, err := Decode([]byte(good))
	if err != nil {
		t.Fatal(err)
	}
	want := wallet.Bill{ID: "b-1", Workspace: "ws-1", Day: "2026-11-01", Currency: money.CNY, Lines: []wallet.Line{
		{Product: "sms", Usage: "45", Unit: "message", UnitPrice: "0.1", Amount: exactOf("4.5")},
	}}
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b money.Exact) bool { return a.Cmp(b) == 0 })); diff != "" {
		t.Error(diff)
	}
}

func TestAcceptedEdges(t *testing.T) {
	for name, body := range map[string]string{
		"Q21 a credit line":               with(`"4.5"`, `"-1"`),
		"Q22 a bill of zero":              with(`"4.5"`, `"0"`),
		"no lines at all":                 with(`[{"product":"sms","usage":"45","unit":"message","unit_price":"0.1","amount":"4.5"}]`, `[]`),
		"no unit price":                   with(`"unit_price":"0.1",`, ``),
		"an empty unit":                   with(`"message"`, `""`),
		"Q33 usage × price isn't amount":  with(`"4.5"`, `"4.499"`),
		"Q39 a day of long ago":           with(`2026-11-01`, `2024-02-29`),
		"a stated total that is the sum":  with(`"lines"`, `"amount":"4.50","lines"`),
		"eighteen decimals":               with(`"4.5"`, `"0.000000000000000001"`),
		"fifteen digits before the point": with(`"4.5"`, `"999999999999999"`),
		"Q40 a product never seen before": with(`"sms"`, `"代金券 2"`),
		"spaces between members":          " \n" + good + "\n ",
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Decode([]byte(body)); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestRefusedBodies(t *testing.T) {
	lines := func(n int) string {
		one := `{"product":"p","usage":"1","unit":"","amount":"1"},`
		return with(`[{"product":"sms","usage":"45","unit":"message","unit_price":"0.1","amount":"4.5"}]`, "["+strings.TrimSuffix(strings.Repeat(one, n), ",")+"]")
	}
	for name, row := range map[string]struct{ body, pointer string }{
		"Q1 empty":                      {"", ""},
		"only spaces":                   {" \n", ""},
		"Q3 null":                       {"null", ""},
		"Q3 an array":                   {"[" + good + "]", ""},
		"Q4 truncated":                  {good[:60], "/day"},
		"Q6 base64 of JSON":             {"eyJ2ZXJzaW9uIjoxfQ==", ""},
		"Q7 an SNS envelope":            {`{"Type":"Notification","Message":"{}"}`, "/Type"},
		"Q9 depth 10,001":               {`{"lines":` + strings.Repeat("[", 10_001) + strings.Repeat("]", 10_001) + `}`, "/lines/0"},
		"Q10 a member twice":            {with(`"day"`, `"bill_id":"b-2","day"`), "/bill_id"},
		"Q10 twice in a line":           {with(`"unit":`, `"amount":"9","unit":`), "/lines/0/amount"},
		"a member in other case":        {with(`"bill_id"`, `"Bill_ID"`), "/Bill_ID"},
		"an unknown member":             {with(`"day"`, `"balance":"1","day"`), "/balance"},
		"an unknown member of a line":   {with(`"unit":`, `"discount":"1","unit":`), "/lines/0/discount"},
		"Q12 no version":                {with(`"version":1,`, ``), "/version"},
		"another version":               {with(`"version":1`, `"version":2`), "/version"},
		"Q13 no bill_id":                {with(`"bill_id":"b-1",`, ``), "/bill_id"},
		"bill_id null":                  {with(`"b-1"`, `null`), "/bill_id"},
		"Q15 300 characters":            {with(`b-1`, strings.Repeat("b", 300)), "/bill_id"},
		"Q16 #":                         {with(`b-1`, `b#1`), "/bill_id"},
		"Q16 NUL":                       {with(`b-1`, `b\u0000`), "/bill_id"},
		"Q16 CR":                        {with(`ws-1`, `ws\r`), "/workspace_id"},
		"no lines":                      {with(`"lines":[{"product":"sms","usage":"45","unit":"message","unit_price":"0.1","amount":"4.5"}]`, `"amount":"1"`), "/lines"},
		"lines null":                    {with(`[{"product":"sms","usage":"45","unit":"message","unit_price":"0.1","amount":"4.5"}]`, `null`), "/lines"},
		"1,001 lines":                   {lines(1_001), "/lines"},
		"a day that isn't":              {with(`2026-11-01`, `2027-02-29`), "/day"},
		"Q36 an instant for a day":      {with(`2026-11-01`, `2026-11-01T00:00:00`), "/day"},
		"Q24 NaN":                       {with(`"4.5"`, `"NaN"`), "/lines/0/amount"},
		"Q25 an exponent":               {with(`"4.5"`, `"1e3"`), "/lines/0/amount"},
		"Q28 more than fifteen digits":  {with(`"4.5"`, `"9223372036854775808"`), "/lines/0/amount"},
		"nineteen decimals":             {with(`"4.5"`, `"0.0000000000000000001"`), "/lines/0/amount"},
		"an amount as a number":         {with(`"4.5"`, `4.5`), "/lines/0/amount"},
		"an object for a product":       {with(`"sms"`, `{"name":"sms"}`), "/lines/0/product"},
		"true for a unit":               {with(`"message"`, `true`), "/lines/0/unit"},
		"null for a unit":               {with(`"message"`, `null`), "/lines/0/unit"},
		"null for a line":               {with(`[{`, `[null,{`), "/lines/0/product"},
		"a text for a line":             {with(`[{`, `["sms",{`), "/lines/0"},
		"an array for a line":           {with(`[{`, `[["sms"],{`), "/lines/0"},
		"truncated in a line":           {good[:len(good)-6], "/lines/0/amount"},
		"no colon in a line":            {with(`"usage":`, `"usage" `), "/lines/0/usage"},
		"a plus":                        {with(`"4.5"`, `"+4.5"`), "/lines/0/amount"},
		"full width digits":             {with(`"4.5"`, `"４.5"`), "/lines/0/amount"},
		"no usage":                      {with(`"usage":"45",`, ``), "/lines/0/usage"},
		"no unit":                       {with(`"unit":"message",`, ``), "/lines/0/unit"},
		"no product":                    {with(`"product":"sms",`, ``), "/lines/0/product"},
		"an empty product":              {with(`"sms"`, `""`), "/lines/0/product"},
		"a product with a space before": {with(`"sms"`, `" sms"`), "/lines/0/product"},
		"a product that overrides":      {with(`"sms"`, `"sms\u202e"`), "/lines/0/product"},
		"a product of 129 characters":   {with(`"sms"`, `"`+strings.Repeat("界", 129)+`"`), "/lines/0/product"},
		"a unit price that isn't":       {with(`"0.1"`, `"cheap"`), "/lines/0/unit_price"},
		"Q30 lower case":                {with(`CNY`, `cny`), "/currency"},
		"Q30 a space after":             {with(`CNY`, `CNY `), "/currency"},
		"an unknown currency":           {with(`CNY`, `XXX`), "/currency"},
		"Q31 another total":             {with(`"lines"`, `"amount":"4.51","lines"`), "/amount"},
		"two documents":                 {good + good, ""},
		"a byte order mark":             {"\ufeff" + good, ""},
		"a byte that isn't UTF-8":       {with(`sms`, "s\xffs"), "/lines/0/product"},
		"a lone surrogate":              {with(`sms`, `\ud800`), "/lines/0/product"},
	} {
		t.Run(name, func(t *testing.T) {
			began := time.Now()
			_, err := Decode([]byte(row.body))
			r := refusal.As(err)
			if r == nil || r.Kind != refusal.Invalid || len(r.Fields) == 0 {
				t.Fatalf("got %v, want an invalid field", err)
			}
			if r.Fields[0].Pointer != row.pointer {
				t.Errorf("got pointer %q (%s), want %q", r.Fields[0].Pointer, r.Fields[0].Rule, row.pointer)
			}
			if took := time.Since(began); took > time.Second {
				t.Errorf("took %s", took)
			}
		})
	}
}

// Lines read themselves: what is wrong with one is told as it is elsewhere.
func TestRulesOfALine(t *testing.T) {
	for body, want := range map[string]string{
		with(`"4.5"`, `4.5`):                      "must be a string",
		with(`[{`, `["sms",{`):                    "must be an object",
		with(`"unit":`, `"discount":"1","unit":`): "is not a known field",
		with(`"unit":`, `"amount":"9","unit":`):   "must be given once",
		with(`"message"`, `null`):                 "is required",
		with(`"unit_price":"0.1","amount":"4.5"`, `"unit_price":null,"amount":null`): "is required",
	} {
		_, err := Decode([]byte(body))
		if r := refusal.As(err); r == nil || len(r.Fields) != 1 || r.Fields[0].Rule != want {
			t.Errorf("%s: %v, want %q", body, err, want)
		}
	}
}

func TestEveryBadFieldIsNamed(t *testing.T) {
	_, err := Decode([]byte(`{"version":1,"bill_id":"#","workspace_id":"ws","day":"x","currency":"?","lines":[{"product":"p","usage":"?","unit":"u","amount":"?"}]}`))
	var pointers []string
	for _, f := range refusal.As(err).Fields {
		pointers = append(pointers, f.Pointer)
	}
	want := []string{"/bill_id", "/day", "/currency", "/lines/0/usage", "/lines/0/amount"}
	if diff := cmp.Diff(want, pointers); diff != "" {
		t.Error(diff)
	}
}

// One meaning has one fingerprint, however it is written (README rule 18).
func TestSpellingDoesNotCount(t *testing.T) {
	two := `,{"product":"Ångström","usage":"1.50","unit":"","amount":"-0.50"}]`
	spellings := []string{
		with("]", two),
		with("]", strings.ReplaceAll(strings.ReplaceAll(two, "1.50", "1.5"), "-0.50", "-0.500")),
		with("]", strings.ReplaceAll(two, "Ångström", "A\u030angstro\u0308m")),
		with("[{", `[{"unit":"","amount":"-0.5","usage":"1.5","product":"Ångström"},{`),
		with("]", two[:len(two)-1]+`],"amount":"4.0"`),
	}
	first, err := Decode([]byte(spellings[0]))
	if err != nil {
		t.Fatal(err)
	}
	for _, body := range spellings[1:] {
		b, err := Decode([]byte(body))
		if err != nil {
			t.Fatal(err)
		}
		if (wallet.Settle{Bill: b}).Fingerprint() != (wallet.Settle{Bill: first}).Fingerprint() {
			t.Errorf("another fingerprint: %s", body)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, seed := range []string{good, "", "null", with(`"4.5"`, `"1e3"`), with("]", `,{"product":"p","usage":"1","unit":"","amount":"-1"}]`)} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		b, err := Decode(body)
		if err != nil {
			if refusal.As(err) == nil {
				t.Fatalf("a fault: %v", err)
			}
			return
		}
		again, err := Decode(Encode(b))
		if err != nil {
			t.Fatalf("what Encode writes isn't read: %v", err)
		}
		if !bytes.Equal(Encode(b), Encode(again)) || !slices.EqualFunc(b.Lines, again.Lines, func(a, b wallet.Line) bool { return a.Product == b.Product && a.Amount.Cmp(b.Amount) == 0 }) {
			t.Fatal("Decode of Encode is another bill")
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	body := []byte(with("]", strings.Repeat(`,{"product":"time_series","usage":"60000","unit":"series","unit_price":"0.0007","amount":"42"}`, 14)+"]"))
	for b.Loop() {
		if _, err := Decode(body); err != nil {
			b.Fatal(err)
		}
	}
}
