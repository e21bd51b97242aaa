package marketplace

import (
	"time"

	"billingcentre/shared/charge"
	"billingcentre/shared/money"
	"billingcentre/shared/wallet"
)

// finish goes on until nothing is pending, open or a case.
func (s *soak) finish() {
	s.Helper()
	s.mu.Lock()
	clear(s.left)
	s.mu.Unlock()
	for range 500 {
		s.pass(20 * time.Minute)
		s.run()
		s.operate()
		pending, _, err := charge.ListPending(s.Context(), s.store, "", 1)
		if err != nil {
			s.Fatal(err)
		}
		busy := len(pending)
		for _, list := range []string{"open", "case"} {
			records, _, err := s.calmly().Records(s.Context(), list, "", 1)
			if err != nil {
				s.Fatal(err)
			}
			busy += len(records)
		}
		if busy == 0 {
			return
		}
	}
	s.Fatal("something stays open for ever")
}

// balance is the proof.
func (s *soak) balance() {
	s.Helper()
	desk := s.calmly()
	sums, counts, states := map[string]int64{}, map[string]int{}, map[charge.Status]int{}
	for _, bill := range s.bills {
		v, err := desk.Of(s.Context(), soakAccount, bill)
		if err != nil {
			s.Fatal(err)
		}
		states[v.Status()]++
		if status := v.Status(); status != charge.Accepted && status != charge.Void && status != charge.WrittenOff {
			s.Errorf("%s ends as %s", bill, status)
		}
		entries, err := s.store.Entries(s.Context(), wallet.BillKey(bill))
		if err != nil {
			s.Fatal(err)
		}
		owed := entries[wallet.BillKey(bill)].Settlement.Paid(wallet.AtCloud, 0, money.CNY)
		if owed.String() != v.Amount {
			s.Errorf("%s owes %s, its charge is of %s", bill, owed, v.Amount)
		}
		if v.Charge.Status == charge.Sent {
			sums[v.Record] += owed.Minor()
			counts[v.Record]++
		}
	}
	known := s.records(sums, counts)
	var theirs int64
	for _, a := range s.market.Accepted() {
		theirs += a.Quantity
	}
	if theirs != known {
		s.Errorf("the marketplaces accepted %d, we know of %d", theirs, known)
	}
	s.Logf("%d charges: %v; %d crashes, cases %v; accepted %d.%02d in %d records", len(s.bills), states, s.crashes, s.cases, known/100, known%100, len(s.market.Accepted()))
}

// records checks that each accepted record is the sum of its charges, is at the marketplace once, and gives their sum.
func (s *soak) records(sums map[string]int64, counts map[string]int) (known int64) {
	s.Helper()
	before := ""
	for {
		records, next, err := s.calmly().Records(s.Context(), "accepted", before, 100)
		if err != nil {
			s.Fatal(err)
		}
		for _, r := range records {
			known += r.Minor
			if sums[r.ID] != r.Minor || counts[r.ID] != r.Charges {
				s.Errorf("record %s says %d charges of %d, but has %d of %d", r.ID, r.Charges, r.Minor, counts[r.ID], sums[r.ID])
			}
			if !s.taken(r) {
				s.Errorf("record %s isn't at the marketplace", r.ID)
			}
		}
		if before = next; next == "" {
			return known
		}
	}
}
