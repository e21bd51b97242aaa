package till

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"billingcentre/shared/payment/alipay"
)

// Keys are looked after every five minutes, before a request begins, and a look that fails leaves them as they were.
func TestKeysAreLookedAfterByTheClockAlone(t *testing.T) {
	now := time.Date(2026, 11, 22, 1, 0, 0, 0, time.UTC)
	stored, broken, reads := alipay.Secret{AppID: "one"}, error(nil), 0
	var used alipay.Secret
	keys := &Keys{
		Read:  func(context.Context) (alipay.Secret, error) { reads++; return stored, broken },
		Renew: func(s alipay.Secret) error { used = s; return nil },
		Log:   slog.New(slog.DiscardHandler), Now: func() time.Time { return now }, looked: now,
	}
	handle := Fresh(keys, func(_ context.Context, in string) (string, error) { return in + " by " + used.AppID, nil })
	for _, step := range []struct {
		what   string
		wait   time.Duration
		secret string
		broken error
		reads  int
		want   string
	}{
		{"at once", 0, "one", nil, 0, "n by "},
		{"a thousand forged notices later", time.Minute, "one", nil, 0, "n by "},
		{"after five minutes", 4 * time.Minute, "one", nil, 1, "n by one"},
		{"changed meanwhile", time.Minute, "two", nil, 1, "n by one"},
		{"and seen", 4 * time.Minute, "two", nil, 2, "n by two"},
		{"Secrets Manager is down", 5 * time.Minute, "three", errors.New("down"), 3, "n by two"},
		{"and isn't asked again at once", time.Minute, "three", errors.New("down"), 3, "n by two"},
		{"it is back", 5 * time.Minute, "three", nil, 4, "n by three"},
	} {
		now = now.Add(step.wait)
		stored.AppID, broken = step.secret, step.broken
		got, err := handle(t.Context(), "n")
		if err != nil || got != step.want || reads != step.reads {
			t.Errorf("%s: %q, %v, %d reads; want %q, %d", step.what, got, err, reads, step.want, step.reads)
		}
	}
}
