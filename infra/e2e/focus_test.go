package e2e

import (
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"billingcentre/infra/demo/centre"
	"billingcentre/infra/focus"
	"billingcentre/infra/focus/sample"
)

// A month of real usage settles to the last decimal, whatever the order it comes in; and the whole file twice more,
// shuffled anew each time, changes nothing.
func TestTheFOCUSSampleSettlesOnceToTheLastDecimal(t *testing.T) {
	running(t)
	t.Parallel()
	a := open(t, "focus", "USD")
	a.voucher("regular", "6.00")
	a.voucher("discount", "5.00")
	a.card("4.00")
	a.cash("3.00") // too little: the rest is owed
	for workspace := range shuffled(t, 1).Workspaces() {
		a.bind(string(workspace))
	}
	var first centre.Wallet
	for pass := range 3 {
		month := shuffled(t, uint64(pass+1))
		a.send(month.Bills...)
		await(t, "the queue is empty", func() (bool, error) {
			waiting, err := a.centre.Waiting(t.Context())
			return waiting == 0, err
		})
		if pass == 0 {
			await(t, "all bills are settled", func() (bool, error) { return len(a.bills()) == len(month.Bills), nil })
			first = a.wallet()
			continue
		}
		if diff := cmp.Diff(first, a.wallet()); diff != "" {
			t.Errorf("sending the file again changed the wallet (-first +again):\n%s", diff)
		}
	}
	bills := a.bills()
	if len(bills) != 477 {
		t.Errorf("%d bills, want 477", len(bills))
	}
	const want = "20.52022672899"
	if got := sum(t, bills, func(b centre.Bill) []string { return []string{b.Exact} }); got != want {
		t.Errorf("the exact costs add up to %s, want %s", got, want)
	}
	paid := sum(t, bills, func(b centre.Bill) []string {
		return []string{b.Paid.Regular, b.Paid.Discount, b.Paid.Card, b.Paid.Cash, b.Paid.Arrears}
	})
	if got := plus(t, paid, first.Carried.General, first.Carried.Restricted); got != want {
		t.Errorf("paid, owed and carried add up to %s, want %s", got, want)
	}
}

// shuffled is the sample with its rows in another order.
func shuffled(t *testing.T, seed uint64) *focus.Import {
	t.Helper()
	text, err := gzip.NewReader(sample.File())
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(text).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(seed, seed))
	data := rows[1:]
	random.Shuffle(len(data), func(i, j int) { data[i], data[j] = data[j], data[i] })
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	if err := w.WriteAll(rows); err != nil {
		t.Fatal(err)
	}
	month, err := focus.Read(&out, func(p focus.Problem) { t.Error(p) })
	if err != nil {
		t.Fatal(err)
	}
	random.Shuffle(len(month.Bills), func(i, j int) { month.Bills[i], month.Bills[j] = month.Bills[j], month.Bills[i] })
	return month
}
