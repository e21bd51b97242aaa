package e2e

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
)

// posted is one event as a customer's system gets it.
type posted struct {
	id   string
	Type string `json:"type"`
	Data struct {
		Key     string `json:"key"`
		Account string `json:"account_id"`
	} `json:"data"`
}

// system is a customer's: it verifies what it gets, by the secret that it was told, and fails once.
type system struct {
	*httptest.Server
	mu     sync.Mutex
	secret string
	got    []posted
	forged int
}

func newSystem(t *testing.T) *system {
	s := &system{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var p posted
		if err = errors.Join(err, json.Unmarshal(body, &p)); err != nil {
			t.Error(err)
		}
		p.id = r.Header.Get("Webhook-Id")
		s.mu.Lock()
		defer s.mu.Unlock()
		if !s.verifies(r.Header, body) {
			s.forged++
		}
		if s.got = append(s.got, p); len(s.got) == 1 {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *system) verifies(h http.Header, body []byte) bool {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(s.secret, "whsec_"))
	if err != nil || len(key) == 0 {
		return false
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(h.Get("Webhook-Id") + "." + h.Get("Webhook-Timestamp") + "."))
	mac.Write(body)
	return h.Get("Webhook-Signature") == "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// types are those of the events that came, each once, in order of their names.
func (s *system) types() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	seen := map[string]bool{}
	var types []string
	for _, p := range s.got {
		if !seen[p.id] {
			seen[p.id] = true
			types = append(types, p.Type)
		}
	}
	slices.Sort(types)
	return types
}

// What is committed reaches a customer's system through stream, outbox, bus, queues and courier: signed, again when it
// was refused, and recorded once.
func TestEventsReachACustomersSystem(t *testing.T) {
	running(t)
	t.Parallel()
	a := open(t, "hooked", "CNY")
	theirs := newSystem(t)
	var webhook struct {
		ID     string `json:"webhook_id"`
		Secret string `json:"secret"`
	}
	theirs.mu.Lock()
	a.post(a.owner, a.path("/webhooks"), "w-1", map[string]any{"url": theirs.URL, "events": []string{"entry.settled", "entry.adjusted"}}, &webhook)
	theirs.secret = webhook.Secret
	theirs.mu.Unlock()

	a.bind("hooked-workspace")
	a.cash("5.00")
	a.send(a.bill("hooked-bill", "hooked-workspace", "logs", "5.40"))
	await(t, "two events, one of them twice", func() (bool, error) {
		return slices.Equal(theirs.types(), []string{"entry.adjusted", "entry.settled"}), nil
	})

	var page struct {
		Items []struct {
			ID       string `json:"delivery_id"`
			Status   string `json:"status"`
			Attempts []struct {
				Status int `json:"status_code"`
			} `json:"attempts"`
		} `json:"items"`
	}
	await(t, "both deliveries", func() (bool, error) {
		page.Items = nil
		err := a.owner.Get(t.Context(), a.path("/webhooks/"+webhook.ID+"/deliveries"), &page)
		return err == nil && len(page.Items) == 2 && page.Items[0].Status == "delivered" && page.Items[1].Status == "delivered", err
	})
	if attempts := len(page.Items[0].Attempts) + len(page.Items[1].Attempts); attempts != 3 || theirs.forged != 0 {
		t.Errorf("%d attempts, %d signatures don't fit: %+v", attempts, theirs.forged, page.Items)
	}
	a.post(a.owner, a.path("/webhooks/"+webhook.ID+"/deliveries/"+page.Items[0].ID+"/replay"), "", nil, nil)
	await(t, "a replay by the same id", func() (bool, error) {
		theirs.mu.Lock()
		defer theirs.mu.Unlock()
		return len(theirs.got) == 4 && theirs.got[3].id == page.Items[0].ID, nil
	})
}
