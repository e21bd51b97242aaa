package statement

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"billingcentre/shared/directory"
	"billingcentre/shared/refusal"
)

func TestFiltersNameWhatIsWrong(t *testing.T) {
	all := []string{byFrom, byTo, byWorkspace, byProduct, byKind, byFund, byLot}
	for name, row := range map[string]struct {
		given map[string]string
		wrong []string
	}{
		"nothing":              {nil, nil},
		"everything":           {map[string]string{"from": "2026-11-01", "to": "2026-11-01", "workspace": "ws-1", "product": "日志", "kind": "settled", "fund": "cash", "lot": "0123-4567-89AB-CDEF"}, nil},
		"a leap day":           {map[string]string{"from": "2028-02-29"}, nil},
		"no leap day":          {map[string]string{"from": "2027-02-29"}, []string{"/from"}},
		"year 10000":           {map[string]string{"to": "10000-01-01"}, []string{"/to"}},
		"year 1999":            {map[string]string{"to": "1999-12-31"}, []string{"/to"}},
		"an instant":           {map[string]string{"from": "2026-11-01T00:00:00Z"}, []string{"/from"}},
		"one digit":            {map[string]string{"from": "2026-1-1"}, []string{"/from"}},
		"other digits":         {map[string]string{"from": "２026-11-01"}, []string{"/from"}},
		"from after to":        {map[string]string{"from": "2026-11-02", "to": "2026-11-01"}, []string{"/to"}},
		"bad ids":              {map[string]string{"workspace": "#", "lot": "0123-4567-89AB-CDEI"}, []string{"/workspace", "/lot"}},
		"words that are none":  {map[string]string{"kind": "SETTLED", "fund": "gold"}, []string{"/kind", "/fund"}},
		"a product in no text": {map[string]string{"product": "\xff"}, []string{"/product"}},
	} {
		_, err := ReadFilter(func(name string) string { return row.given[name] }, all)
		var wrong []string
		if r := refusal.As(err); r != nil {
			for _, field := range r.Fields {
				wrong = append(wrong, field.Pointer)
			}
		}
		if diff := cmp.Diff(row.wrong, wrong); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestSumsAreOfClosedRangesOfAYearAtMost(t *testing.T) {
	for given, ok := range map[Filter]bool{
		{From: "2026-01-01", To: "2026-12-31"}: true,
		{From: "2024-01-01", To: "2024-12-31"}: true, // a leap year
		{From: "2026-01-01", To: "2027-01-02"}: false,
		{From: "2000-01-01", To: "2999-12-31"}: false,
		{From: "2026-01-01"}:                   false,
		{To: "2026-01-01"}:                     false,
		{}:                                     false,
	} {
		if _, err := given.Days(); (err == nil) != ok {
			t.Errorf("%+v: %v", given, err)
		}
	}
}

func TestMonths(t *testing.T) {
	for text, ok := range map[string]bool{"2026-11": true, "2026-13": false, "2026-1": false, "26-01": false, "": false, "2026-11-01": false, "1999-12": false} {
		if _, err := ParseMonth("/month", text); (err == nil) != ok {
			t.Errorf("%s: %v", text, err)
		}
	}
	m := Month("2026-12")
	if m.Next() != "2027-01" || m.Last() != "2026-11" || m.First() != "2026-12-01" || m.End() != "2026-12-31" || Month("2028-02").End() != "2028-02-29" {
		t.Error(m.Next(), m.Last(), m.First(), m.End())
	}
	for zone, want := range map[string]string{
		shanghai: "2027-01-03T16:00:00Z", "UTC": "2027-01-04T00:00:00Z", "Pacific/Kiritimati": "2027-01-03T10:00:00Z", "Asia/Kathmandu": "2027-01-03T18:15:00Z",
	} {
		location, err := directory.Zone(zone)
		if err != nil {
			t.Fatal(err)
		}
		if cut, err := m.Cut(location); err != nil || cut.Format(time.RFC3339) != want {
			t.Errorf("%s: %s, %v", zone, cut, err)
		}
	}
}
