package e2e

import (
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"billingcentre/infra/focus"
	"billingcentre/shared/money"
)

// exported is what the API tells of an export.
type exported struct {
	ID     string `json:"export_id"`
	State  string `json:"state"`
	Rows   int    `json:"rows"`
	Bytes  int    `json:"bytes"`
	SHA256 string `json:"sha256"`
	URL    string `json:"url"`
}

// export has a list written, and fetches the file as anybody does who has its URL.
func (a *account) export(once string, wish map[string]string) (exported, string) {
	a.t.Helper()
	var e exported
	a.post(a.owner, a.path("/exports"), once, wish, &e)
	await(a.t, "the export is ready", func() (bool, error) {
		err := a.owner.Get(a.t.Context(), a.path("/exports/"+e.ID), &e)
		return e.State == "ready", err
	})
	request, err := http.NewRequestWithContext(a.t.Context(), http.MethodGet, e.URL, nil)
	if err != nil {
		a.t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		a.t.Fatal(err)
	}
	defer answer.Body.Close()
	file, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		a.t.Fatalf("%s: %s %v", e.URL, answer.Status, err)
	}
	if sum := sha256.Sum256(file); e.SHA256 != hex.EncodeToString(sum[:]) || e.Bytes != len(file) {
		a.t.Errorf("%+v of a file of %d bytes, %x", e, len(file), sum)
	}
	return e, string(file)
}

// From a bill on the queue to a file in a spreadsheet, by the functions as they are deployed.
func TestAnExport(t *testing.T) {
	running(t)
	t.Parallel()
	a := open(t, "exported", "CNY")
	a.cash("10.00")
	a.bind("exported-workspace")
	a.send(a.bill("exported-1", "exported-workspace", "=1+1", "1.234567"))
	a.settled("exported-1")

	e, file := a.export("zh", map[string]string{"what": "consumption", "from": day, "to": day, "language": "zh"})
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(file, "\ufeff"))).ReadAll()
	if err != nil || len(rows) != 2 || e.Rows != 1 {
		t.Fatal(rows, err)
	}
	got := map[string]string{}
	for i, heading := range rows[0] {
		got[heading] = rows[1][i]
	}
	for heading, want := range map[string]string{"产品": "'=1+1", "精确费用": "1.234567", "应付金额": "1.23", "现金支付": "1.23", "日期": day} {
		if diff := cmp.Diff(want, got[heading]); diff != "" {
			t.Errorf("%s: %s", heading, diff)
		}
	}

	_, file = a.export("focus", map[string]string{"what": "consumption", "from": day, "to": day, "format": "focus"})
	read, err := focus.Read(strings.NewReader(file), func(p focus.Problem) { t.Error(p) })
	if err != nil || len(read.Bills) != 1 || read.Bills[0].Day != day || read.Exact[money.CNY].String() != "1.234567" {
		t.Errorf("%+v, %v", read, err)
	}
	tampered := strings.Replace(e.URL, a.id, "another", 1)
	if answer, err := http.Get(tampered); err != nil || answer.StatusCode != http.StatusForbidden { //nolint:noctx,bodyclose // a test's
		t.Errorf("another's file by an edited URL: %v, %v", answer.Status, err)
	}
}
