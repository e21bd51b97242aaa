package api_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"billingcentre/shared/api"
	"billingcentre/shared/api/apitest"
	"billingcentre/shared/money"
	"billingcentre/shared/refusal"
)

func TestEveryBadFieldIsTold(t *testing.T) {
	var check api.Check
	check.That(true, "/fine", "must be fine")
	check.That(false, "/a", "must be there")
	check.Note(nil)
	check.Note(refusal.Fields(refusal.Field{Pointer: "/b", Rule: "must not"}, refusal.Field{Pointer: "/c", Rule: "nor this"}))
	check.Amount("/amount", "-1", money.CNY)
	check.Text("/name", "")
	r := refusal.As(check.Err())
	var pointers []string
	for _, field := range r.Fields {
		pointers = append(pointers, field.Pointer)
	}
	if diff := cmp.Diff([]string{"/a", "/b", "/c", "/amount", "/name"}, pointers); diff != "" || r.Kind != refusal.Invalid {
		t.Errorf("%v (-want +got):\n%s", r, diff)
	}
}

func TestWhatIsNotAboutAFieldGoesFirst(t *testing.T) {
	var check api.Check
	gone, fault := refusal.Of(refusal.NotFound, "There is no such account."), errors.New("disk on fire")
	check.That(false, "/a", "must be there")
	check.Note(gone)
	check.Note(fault)
	if err := check.Err(); !errors.Is(err, gone) {
		t.Errorf("told %v", err)
	}
	if err := new(api.Check).Err(); err != nil {
		t.Errorf("nothing is wrong, and yet %v", err)
	}
}

func TestIDs(t *testing.T) {
	for _, row := range []struct {
		rule, id    string
		account, ok bool // whether an account, and whether anything else, can have it
	}{
		{"a letter", "a", true, true},
		{"a digit first", "7up", true, true},
		{"marks within", "a.b_c-d", true, true},
		{"a bill from FOCUS", "focus:1234:ws@x~1+a=b:2026-11-01", false, true},
		{"64 characters", strings.Repeat("a", 64), true, true},
		{"65 characters", strings.Repeat("a", 65), false, true},
		{"128 characters", strings.Repeat("a", 128), false, true},
		{"129 characters", strings.Repeat("a", 129), false, false},
		{"H55 3 KB", strings.Repeat("a", 3<<10), false, false},
		{"nothing", "", false, false},
		{"a mark first", "-a", false, false},
		{"a dot", ".", false, false},
		{"H55 a path", "../", false, false},
		{"a slash", "a/b", false, false},
		{"H55 the table's separator", "A#1#W", false, false},
		{"a space", "a b", false, false},
		{"a space behind", "a ", false, false},
		{"a NUL", "a\x00", false, false},
		{"a line break", "a\nb", false, false},
		{"a quote", `a"b`, false, false},
		{"not ASCII", "ä", false, false},
		{"a Cyrillic a", "аcme", false, false},
		{"full width", "ａ", false, false},
		{"RTL override", "a\u202eb", false, false},
		{"not UTF-8", "a\xff", false, false},
		{"percent", "%2e%2e", false, false},
	} {
		t.Run(row.rule, func(t *testing.T) {
			var account, other api.Check
			account.Account("/id", row.id)
			other.ID("/id", row.id)
			if got := account.Err() == nil; got != row.account || got != api.ValidAccount(row.id) {
				t.Errorf("%q as an account's: %t", row.id, got)
			}
			if got := other.Err() == nil; got != row.ok || got != api.ValidID(row.id) {
				t.Errorf("%q as another id: %t", row.id, got)
			}
		})
	}
}

func TestTexts(t *testing.T) {
	for _, row := range []struct {
		rule, text, kept string // kept is "" for a text that is refused
	}{
		{"words", "Log storage for a year", "Log storage for a year"},
		{"Chinese", "日志存储一年", "日志存储一年"},
		{"right to left", "حساب", "حساب"},
		{"an emoji", "🧾", "🧾"},
		{"H73 NFD becomes NFC, so that twins are one", "Cafe\u0301", "Café"},
		{"H73 NFC stays", "Café", "Café"},
		{"composed Hangul", "\u1112\u1161\u11ab", "한"},
		{"a compatibility character stays: NFC, not NFKC", "ﬁ", "ﬁ"},
		{"64 characters", strings.Repeat("语", 64), strings.Repeat("语", 64)},
		{"64 in NFC, 128 before", strings.Repeat("e\u0301", 64), strings.Repeat("é", 64)},
		{"65 characters", strings.Repeat("a", 65), ""},
		{"H75 a formula is a text: an export must make it inert", "=HYPERLINK(\"x\")", "=HYPERLINK(\"x\")"},
		{"H76 a script is a text: who shows it must escape it", "<script>{{7*7}}${jndi:x}", "<script>{{7*7}}${jndi:x}"},
		{"nothing", "", ""},
		{"spaces", "   ", ""},
		{"H73 RTL override", "abc\u202ecba", ""},
		{"RTL isolate", "abc\u2067", ""},
		{"RTL mark", "abc\u200f", ""},
		{"H73 zero-width joiner", "a\u200db", ""},
		{"zero-width space", "a\u200bb", ""},
		{"soft hyphen", "a\u00adb", ""},
		{"byte order mark", "\ufeffa", ""},
		{"tag characters", "a\U000e0041", ""},
		{"private use", "a\ue000", ""},
		{"H76 CRLF", "a\r\nb", ""},
		{"H75 a tab", "\t1", ""},
		{"a NUL", "a\x00", ""},
		{"an escape sequence", "\x1b[31m", ""},
		{"DEL", "a\x7f", ""},
		{"a line separator", "a\u2028b", ""},
		{"no-break space", "a\u00a0b", ""},
		{"not UTF-8", "a\xff", ""},
	} {
		t.Run(row.rule, func(t *testing.T) {
			var check api.Check
			got := check.Text("/name", row.text)
			if row.kept == "" {
				if r := refusal.As(check.Err()); r == nil || r.Fields[0].Pointer != "/name" {
					t.Errorf("%q is taken as %q", row.text, got)
				}
				return
			}
			if err := check.Err(); err != nil || got != row.kept {
				t.Errorf("%q became %q, %v", row.text, got, err)
			}
		})
	}
	var check api.Check
	if got := check.OptionalText("/note", ""); got != "" || check.Err() != nil {
		t.Errorf("no note became %q, %v", got, check.Err())
	}
}

func TestInstantsThatRequestsGive(t *testing.T) {
	day := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	for _, row := range []struct {
		rule, text string
		want       time.Time // zero for one that is refused
	}{
		{"UTC", "2026-11-01T00:00:00Z", day},
		{"another zone", "2026-11-01T08:00:00+08:00", day},
		{"a zone of half hours", "2026-10-31T18:30:00-05:30", day},
		{"a fraction", "2026-11-01T00:00:00.5Z", day.Add(500 * time.Millisecond)},
		{"a leap day", "2028-02-29T00:00:00Z", time.Date(2028, 2, 29, 0, 0, 0, 0, time.UTC)},
		{"the first", "2000-01-01T00:00:00Z", time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)},
		{"the last", "2999-12-31T23:59:59Z", time.Date(2999, 12, 31, 23, 59, 59, 0, time.UTC)},
		{"before the first", "1999-12-31T23:59:59Z", time.Time{}},
		{"before the first, seen from UTC", "2000-01-01T00:00:00+08:00", time.Time{}},
		{"after the last, seen from UTC", "2999-12-31T23:59:59-12:00", time.Time{}},
		{"H70 the year 10000", "10000-01-01T00:00:00Z", time.Time{}},
		{"H70 an offset of 25 hours", "2026-11-01T00:00:00+25:00", time.Time{}},
		{"an offset of a day", "2026-11-01T00:00:00+24:00", time.Time{}},
		{"an offset of 60 minutes", "2026-11-01T00:00:00+07:60", time.Time{}},
		{"H70 29 February 2027", "2027-02-29T00:00:00Z", time.Time{}},
		{"S30 a leap second", "2026-12-31T23:59:60Z", time.Time{}},
		{"hour 24", "2026-11-01T24:00:00Z", time.Time{}},
		{"Q36 no zone", "2026-11-01T00:00:00", time.Time{}},
		{"S28 a zone's name", "2026-11-01T00:00:00 Asia/Shanghai", time.Time{}},
		{"a day", "2026-11-01", time.Time{}},
		{"one digit for the hour", "2026-11-01T8:00:00Z", time.Time{}},
		{"a comma before the fraction", "2026-11-01T00:00:00,5Z", time.Time{}},
		{"ten digits of a second", "2026-11-01T00:00:00.1234567890Z", time.Time{}},
		{"a space between", "2026-11-01 00:00:00Z", time.Time{}},
		{"lower case", "2026-11-01t00:00:00z", time.Time{}},
		{"S27 seconds since 1970", "1793491200", time.Time{}},
		{"a space behind", "2026-11-01T00:00:00Z ", time.Time{}},
	} {
		t.Run(row.rule, func(t *testing.T) {
			var check api.Check
			got := check.Instant("/at", row.text)
			if !got.Equal(row.want) || got.Location() != time.UTC || (check.Err() == nil) == row.want.IsZero() {
				t.Errorf("%s is %s, %v", row.text, got, check.Err())
			}
		})
	}
	var check api.Check
	if got := check.Instant("/at", ""); !got.IsZero() || check.Err() != nil {
		t.Errorf("none is %s, %v", got, check.Err())
	}
}

func TestReasons(t *testing.T) {
	for _, row := range []struct {
		rule, body, want string
		status           int
	}{
		{"a reason", `{"reason":"The meter ran twice"}`, `"The meter ran twice"`, 200},
		{"H73 as NFC", `{"reason":"Cafe\u0301"}`, `"Café"`, 200},
		{"none", `{}`, "/reason", 400},
		{"an invisible one", `{"reason":"\u200b"}`, "/reason", 400},
		{"and more than a reason", `{"reason":"It is wrong","amount":"7"}`, "/amount", 400},
	} {
		t.Run(row.rule, func(t *testing.T) {
			event := apitest.Call{Route: route, Body: row.body}.Event()
			answer, _ := send(t, event, func(r *api.Request) (api.Response, error) {
				reason, err := r.Reason()
				if err != nil {
					return api.Response{}, err
				}
				return api.OK(reason)
			})
			if answer.StatusCode != row.status || !strings.Contains(answer.Body, row.want) {
				t.Errorf("%d %s, want %d %s", answer.StatusCode, answer.Body, row.status, row.want)
			}
		})
	}
}
