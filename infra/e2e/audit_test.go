package e2e

import (
	"encoding/json"
	"fmt"
	"testing"

	"billingcentre/shared/audit"
)

// The auditor finds nothing in what all tests do to the stack, and a customer gets entries with a proof that holds.
func TestTheAuditorAndAProof(t *testing.T) {
	s := running(t)
	t.Parallel()
	a := open(t, "audited", "CNY")
	a.cash("10.00")
	a.bind("audited-workspace")
	a.send(a.bill("audited-1", "audited-workspace", "logs", "3.21"))
	await(t, "the bill is settled", func() (bool, error) { return a.wallet().Version == 3, nil })
	function, err := s.Function("auditor")
	if err != nil {
		t.Fatal(err)
	}
	answer, err := function.Invoke(t.Context(), []byte(`{"duty":"audit"}`))
	if err != nil {
		t.Fatal(err)
	}
	var out struct{ Accounts, Entries, Findings, Failed int }
	if err := json.Unmarshal(answer, &out); err != nil || out.Accounts == 0 || out.Entries < 3 || out.Failed > 0 {
		t.Errorf("%s, %v", answer, err)
	}
	var found struct{ Items []any }
	if err := a.operator.Get(t.Context(), "/v1/operator/audit", &found); err != nil || len(found.Items) > 0 {
		t.Errorf("found %v, %v", found, err)
	}
	var proof audit.Proof
	if err := a.owner.Get(t.Context(), a.path(fmt.Sprintf("/entries/%d/proof", 2)), &proof); err != nil {
		t.Fatal(err)
	}
	entries, err := proof.Check()
	if err != nil || len(entries) != 2 || entries[1].Key != "bill:audited-1" {
		t.Errorf("%v, %v", entries, err)
	}
}
