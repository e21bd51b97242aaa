package webhook_test

import (
	"testing"

	"billingcentre/shared/refusal"
	"billingcentre/shared/webhook"
)

// A key stands for what was asked for the first time: in every member, and whatever was changed since.
func TestAKeyMakesOneWebhook(t *testing.T) {
	p := newPost(t)
	first := webhook.Wish{URL: p.receiver.URL, Events: []string{"entry.settled", "notice.*"}, Enabled: true, Note: "books"}
	made, _, _, err := p.desk.Add(t.Context(), "acme", "k-1", first)
	if err != nil {
		t.Fatal(err)
	}
	for name, other := range map[string]webhook.Wish{
		"another URL":  {URL: first.URL + "/2", Events: first.Events, Enabled: true, Note: first.Note},
		"other events": {URL: first.URL, Events: []string{"*"}, Enabled: true, Note: first.Note},
		"disabled":     {URL: first.URL, Events: first.Events, Note: first.Note},
		"another note": {URL: first.URL, Events: first.Events, Enabled: true},
	} {
		if _, _, _, err := p.desk.Add(t.Context(), "acme", "k-1", other); !refusal.Is(err, refusal.KeyReused) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := p.desk.Change(t.Context(), "acme", made.ID, webhook.Wish{URL: first.URL + "/new", Events: []string{"*"}, Enabled: true}); err != nil {
		t.Fatal(err)
	}
	again := first
	again.Events = []string{"notice.*", "entry.settled"}
	found, secret, repeated, err := p.desk.Add(t.Context(), "acme", "k-1", again)
	if err != nil || !repeated || secret != "" || found.ID != made.ID || found.URL != first.URL+"/new" {
		t.Errorf("late repetition: %+v, %t, %v", found, repeated, err)
	}
}
