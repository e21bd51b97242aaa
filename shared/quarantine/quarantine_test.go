package quarantine

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"billingcentre/shared/ledger"
	"billingcentre/shared/ledger/memory"
	"billingcentre/shared/metric"
	"billingcentre/shared/refusal"
)

var noon = time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC)

// newQuarantine is an empty quarantine, and what it counts.
func newQuarantine(t *testing.T) (*Quarantine, *bytes.Buffer) {
	t.Helper()
	out := new(bytes.Buffer)
	now := func() time.Time { return noon }
	return &Quarantine{Store: new(memory.Store), Now: now, Metrics: &metric.Metrics{Out: out, Now: now}}, out
}

func mustKeep(t *testing.T, q *Quarantine, m Message) {
	t.Helper()
	if err := q.Keep(t.Context(), m); err != nil {
		t.Fatal(err)
	}
}

func TestAMessageIsKeptByteForByte(t *testing.T) {
	for name, body := range map[string][]byte{
		"JSON":              []byte(`{"version":1}`),
		"empty":             {},
		"bytes, not UTF-8":  {0xff, 0x00, 'a'},
		"invisible text":    []byte("\u202e\x00\r\n\""),
		"a part and a half": bytes.Repeat([]byte("0123456789abcde\xff"), partSize*3/2/16),
		"a megabyte":        bytes.Repeat([]byte{'"'}, 1<<20),
	} {
		t.Run(name, func(t *testing.T) {
			q, _ := newQuarantine(t)
			m := Message{ID: "m-1", Source: "usage-bills", Kind: "invalid", Detail: "broken", Attributes: map[string]string{"account": "acme"}, Body: body}
			mustKeep(t, q, m)
			got, err := q.Get(t.Context(), "m-1")
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got.Body, body) {
				t.Errorf("got %d bytes of %d, or others", len(got.Body), len(body))
			}
			m.KeptAt, m.Status, m.Body, got.Body = noon, Open, nil, nil // a difference of a megabyte isn't worth its time
			if diff := cmp.Diff(m, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestNoDocumentOutgrowsAnItemOfTheTable(t *testing.T) {
	for _, document := range append(parts(Message{ID: "m", Body: bytes.Repeat([]byte{0xff}, 1<<20)}),
		ledger.Document{}.With(kept{Body: strings.Repeat("\x01", inlineSize)})) {
		if len(document.Body) > 400_000 {
			t.Errorf("%s has %d bytes", document.Key.ID, len(document.Body))
		}
	}
}

func TestTextSaysHowItIsEncoded(t *testing.T) {
	for body, want := range map[string][2]string{"{}": {"{}", "utf-8"}, "\xff": {"/w==", "base64"}} {
		text, encoding := Message{Body: []byte(body)}.Text()
		if text != want[0] || encoding != want[1] {
			t.Errorf("%q: %s in %s", body, text, encoding)
		}
	}
}

func TestKeepingTwiceKeepsAndCountsOnce(t *testing.T) {
	q, counted := newQuarantine(t)
	mustKeep(t, q, Message{ID: "m-1", Source: "usage-bills", Kind: "invalid", Detail: "the first reason"})
	mustKeep(t, q, Message{ID: "m-1", Source: "usage-bills", Kind: "internal", Detail: "another"})
	if got, err := q.Get(t.Context(), "m-1"); err != nil || got.Detail != "the first reason" {
		t.Errorf("got %+v, %v", got, err)
	}
	if n := strings.Count(counted.String(), `"Quarantined":1,"Source":"usage-bills"`); n != 1 {
		t.Errorf("counted %d times: %s", n, counted)
	}
}

func TestAReasonIsBounded(t *testing.T) {
	q, _ := newQuarantine(t)
	mustKeep(t, q, Message{ID: "m-1", Detail: strings.Repeat("界", 5_000)})
	got, err := q.Get(t.Context(), "m-1")
	if err != nil || len(got.Detail) > maxDetail+10 || strings.ContainsRune(got.Detail, '\uFFFD') {
		t.Errorf("%d bytes, %v", len(got.Detail), err)
	}
}

func TestTheListIsPagedNewestFirst(t *testing.T) {
	q, _ := newQuarantine(t)
	for i := range 5 {
		q.Now = func() time.Time { return noon.Add(time.Duration(i) * time.Minute) }
		mustKeep(t, q, Message{ID: fmt.Sprintf("m-%d", i), Body: []byte("body")})
	}
	var ids []string
	for before := ""; ; {
		page, next, err := q.List(t.Context(), before, 2)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range page {
			ids = append(ids, m.ID)
		}
		if before = next; next == "" {
			break
		}
	}
	if diff := cmp.Diff([]string{"m-4", "m-3", "m-2", "m-1", "m-0"}, ids); diff != "" {
		t.Error(diff)
	}
}

func TestReplayedIsToldAndTheBodyStays(t *testing.T) {
	q, _ := newQuarantine(t)
	large := bytes.Repeat([]byte{0xff}, partSize+1)
	mustKeep(t, q, Message{ID: "m-1", Body: large})
	if _, err := q.MarkReplayed(t.Context(), "m-1", "ops"); err != nil {
		t.Fatal(err)
	}
	got, err := q.Get(t.Context(), "m-1")
	if err != nil || got.Status != Replayed || got.ReplayedBy != "ops" || !got.ReplayedAt.Equal(noon) || !bytes.Equal(got.Body, large) {
		t.Errorf("got %s by %s, %d bytes, %v", got.Status, got.ReplayedBy, len(got.Body), err)
	}
	if page, _, err := q.List(t.Context(), "", 9); err != nil || len(page) != 1 || page[0].Status != Replayed {
		t.Errorf("listed %+v, %v", page, err)
	}
}

func TestWhatIsntThereIsNotFound(t *testing.T) {
	q, _ := newQuarantine(t)
	if _, err := q.Get(t.Context(), "m-9"); !refusal.Is(err, refusal.NotFound) {
		t.Error(err)
	}
	if _, err := q.MarkReplayed(t.Context(), "m-9", "ops"); !refusal.Is(err, refusal.NotFound) {
		t.Error(err)
	}
}
