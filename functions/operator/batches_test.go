package main

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"billingcentre/shared/api/apitest"
	"billingcentre/shared/money"
	"billingcentre/shared/voucher"
	"billingcentre/shared/wallet"
)

func orderOf(count int) voucher.Order {
	return voucher.Order{
		Terms: voucher.Terms{Kind: wallet.Regular, Face: money.Units(money.CNY, 10), MinBill: money.Zero(money.CNY)}, Count: count, Once: "seed", Actor: "olga",
	}
}

func TestAThousandCodesCanBeActivated(t *testing.T) {
	w := newWorld(t)
	got := w.send(batches, "k", `{"kind":"discount","face_value":"5","currency":"CNY","count":1000,"min_bill_amount":"20","valid_days":7}`)
	w.want(got, http.StatusCreated, "issue")
	var issued struct {
		Codes []string `json:"codes"`
	}
	got.Into(t, &issued)
	slices.Sort(issued.Codes)
	if len(slices.Compact(issued.Codes)) != 1000 {
		t.Fatalf("%d different codes", len(issued.Codes))
	}
	for i, text := range []string{issued.Codes[0], issued.Codes[999]} {
		code, err := voucher.ParseCode("", text)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.vouchers.Activate(t.Context(), voucher.Activation{Account: "acme", Code: code, Once: fmt.Sprint(i)}); err != nil {
			t.Errorf("code %d: %v", i, err)
		}
	}
}

func TestABatchIsIssuedOnceHoweverManyAskAtOnce(t *testing.T) { // H52
	w := newWorld(t)
	answers := make([]apitest.Answer, 50)
	var wait sync.WaitGroup
	for i := range answers {
		wait.Go(func() {
			answers[i] = w.send(batches, "k", `{"kind":"regular","face_value":"5","currency":"CNY","count":3}`)
		})
	}
	wait.Wait()
	withCodes := 0
	for _, got := range answers {
		if strings.Contains(string(got.Body), `"codes"`) {
			withCodes++
		}
		if got.Status != http.StatusOK && got.Status != http.StatusCreated {
			t.Errorf("%d %s", got.Status, got.Body)
		}
	}
	if withCodes != 1 {
		t.Errorf("%d answers have codes", withCodes)
	}
}
