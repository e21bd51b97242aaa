package demo

import (
	"testing"

	"billingcentre/shared/receipt"
)

func example() Statement {
	return Statement{
		Account: "demo", Currency: "USD", Bills: 2, Lines: 1, Exact: "20.52022672899",
		Paid: Funds{"6.00", "5.00", "4.00", "5.02"}, Arrears: "0.50", Carried: receipt.Carried{General: "0.00022672899", Restricted: "0"},
		Left: Funds{"0.00", "0.00", "0.00", "44.98"}, Seconds: 3.14,
	}
}

func TestAStatementAddsUpOrSaysSo(t *testing.T) {
	if !example().Balanced() {
		t.Error("it adds up")
	}
	for name, spoil := range map[string]func(*Statement){
		"a last decimal is missing": func(s *Statement) { s.Carried.General = "0.0002267289" },
		"a fund's part is missing":  func(s *Statement) { s.Paid.Card = "0.00" },
		"an amount is none":         func(s *Statement) { s.Arrears = "" },
		"the exact cost is none":    func(s *Statement) { s.Exact = "much" },
	} {
		s := example()
		if spoil(&s); s.Balanced() {
			t.Errorf("%s, and it is called balanced", name)
		}
	}
}

func TestAStatementForPeople(t *testing.T) {
	want := `  Statement of demo, in USD: 2 bills of 1 line, 0 in quarantine, 3.1 s
    exact cost                   20.52022672899
    paid by regular               6.00           left 0.00
            discount              5.00           left 0.00
            card                  4.00           left 0.00
            cash                  5.02           left 44.98
    arrears                       0.50
    carried, general              0.00022672899  to the next bill
    carried, restricted           0              adds up to the exact cost, to the last decimal`
	if got := example().String(); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}
