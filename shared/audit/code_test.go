package audit

import (
	"io"
	"testing"

	"billingcentre/shared/ledger"
	"billingcentre/shared/metric"
	"billingcentre/shared/money"
	"billingcentre/shared/voucher"
)

// A code that was used names its entry, and that entry is the activation of this code.
func TestUsedCodesAreCompared(t *testing.T) {
	w := newWorld(t).story()
	desk := &voucher.Desk{Ledger: w.ledger, Key: []byte("a key of tests"), Metrics: &metric.Metrics{Out: io.Discard}, Now: w.ledger.Now}
	terms := voucher.Terms{Face: money.Units(money.CNY, 5), MinBill: money.Zero(money.CNY)}
	_, issued, err := desk.Issue(t.Context(), voucher.Order{Terms: terms, Count: 2, Once: "o"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := desk.Activate(t.Context(), voucher.Activation{Account: "acme", Code: issued[0], Once: "k"}); err != nil {
		t.Fatal(err)
	}
	for what, row := range map[string]struct {
		change func(body map[string]any)
		wrong  int
	}{
		"as it was used":         {func(map[string]any) {}, 0},
		"names another entry":    {func(body map[string]any) { body["entry"] = "activate:acme:v" }, 1},
		"names an entry of none": {func(body map[string]any) { body["entry"] = "activate:acme:none" }, 1},
		"tells another serial":   {func(body map[string]any) { body["serial"] = 2 }, 1},
		"was used by another":    {func(body map[string]any) { body["account"] = "zen" }, 1},
	} {
		w.store.documents = only("code", func(d *ledger.Document) {
			body, err := ledger.Body[map[string]any](*d)
			if err != nil {
				t.Fatal(err)
			}
			row.change(body)
			*d = d.With(body)
		})
		got, err := w.Verify(t.Context(), "acme")
		if err != nil || len(got.Findings) != row.wrong {
			t.Errorf("a code that %s: %v, %v", what, got.Findings, err)
		}
	}
}
