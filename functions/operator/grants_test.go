package main

import (
	"fmt"
	"net/http"
	"sync"
	"testing"

	"billingcentre/shared/api"
	"billingcentre/shared/money"
)

func TestAPartnerNeverAllocatesMoreThanItsQuota(t *testing.T) {
	w := newWorld(t)
	w.quotaOf(500)
	var wait sync.WaitGroup
	statuses := make([]int, 20)
	for i := range statuses {
		wait.Go(func() {
			statuses[i] = w.sendBy(partner, cards, fmt.Sprint(i), `{"face_value":"100","reason":"r"}`).Status
		})
	}
	wait.Wait()
	given := 0
	for _, status := range statuses {
		switch status {
		case http.StatusCreated:
			given++
		case http.StatusUnprocessableEntity, http.StatusServiceUnavailable:
		default:
			t.Errorf("status %d", status)
		}
	}
	rest, _, err := w.quota(t.Context(), "reseller", money.CNY)
	if err != nil || rest.amount() != money.Units(money.CNY, 500-int64(given)*100) || len(w.head().Lots) != given || given == 0 {
		t.Errorf("%d cards, %d lots, %s left, %v", given, len(w.head().Lots), rest.amount(), err)
	}
}

func TestKeysOfOperatorsAndPartnersDontMeet(t *testing.T) {
	w := newWorld(t)
	w.quotaOf(500)
	other := api.Caller{Subject: "pia", Role: api.Partner, Partner: "distributor"}
	if err := w.writeQuota(t.Context(), "distributor", money.Units(money.CNY, 500), "olga"); err != nil {
		t.Fatal(err)
	}
	for _, who := range []api.Caller{operator, partner, other} {
		w.want(w.sendBy(who, cards, "k", `{"face_value":"100","reason":"r"}`), http.StatusCreated, "%s", who.Subject)
	}
	nameless := api.Caller{Subject: "nil", Role: api.Partner}
	w.want(w.sendBy(nameless, cards, "k", `{"face_value":"100","reason":"r"}`), http.StatusForbidden, "a partner without a name")
}
