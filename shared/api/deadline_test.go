package api_test

import (
	"context"
	"log/slog"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"billingcentre/shared/api"
	"billingcentre/shared/api/apitest"
	"billingcentre/shared/ledger"
	"billingcentre/shared/wallet"
)

// silent is a store that doesn't answer: each call ends with what the SDK's tries take, or with its context.
type silent struct{ ledger.Store }

func (silent) Head(ctx context.Context, _ wallet.AccountID) (wallet.Head, error) {
	return wallet.Head{}, silence(ctx)
}

func (silent) Entries(ctx context.Context, _ ...wallet.Key) (map[wallet.Key]wallet.Entry, error) {
	return nil, silence(ctx)
}

func silence(ctx context.Context) error {
	select {
	case <-time.After(3 * time.Second):
	case <-ctx.Done():
	}
	return ledger.ErrUnknown
}

// T-33: while the database doesn't answer, whoever asks is told so before the function's time is over, and that he may ask
// again. Else he would get the gateway's 500.
func TestAnOutageIsAnsweredInTime(t *testing.T) {
	for _, limit := range []time.Duration{10 * time.Second, 29 * time.Second, 2 * time.Second} { // of the template's functions, and less
		synctest.Test(t, func(t *testing.T) {
			l := &ledger.Ledger{Store: silent{}, Policy: wallet.DefaultPolicy(), Now: time.Now}
			handler := api.Serve(slog.New(slog.DiscardHandler), api.Route{Key: route, Handle: func(ctx context.Context, _ *api.Request) (api.Response, error) {
				_, err := l.Do(ctx, "acme", ledger.Intent{Command: wallet.Open{Account: "acme", Currency: "CNY", Zone: "UTC"}})
				return api.Response{}, err
			}})
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			defer cancel()
			answer, err := handler(ctx, apitest.Call{Route: route}.Event())
			if err != nil || answer.StatusCode != http.StatusServiceUnavailable || answer.Headers["Retry-After"] == "" {
				t.Errorf("of %s: %+v, %v", limit, answer, err)
			}
			ends, _ := ctx.Deadline()
			if left := time.Until(ends); left < limit/4 && left < time.Second {
				t.Errorf("of %s, %s were left", limit, left)
			}
		})
	}
}
