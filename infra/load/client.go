package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// visit asks the API for things at the plan's rate: mostly for wallets and entries, and one time in ten for a credit,
// under a key, twice.
func (s *site) visit(ctx context.Context, p plan, t *tally) {
	if p.HTTP == 0 {
		return
	}
	ticker := time.NewTicker(time.Duration(float64(time.Second) / p.HTTP))
	defer ticker.Stop()
	var visitors sync.WaitGroup
	defer visitors.Wait()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		visitors.Go(func() {
			began := time.Now()
			posts, err := s.one(context.WithoutCancel(ctx), n)
			took := time.Since(began)
			t.lock(func() {
				t.requests++
				t.posts += posts
				t.answers = append(t.answers, took)
				if err != nil {
					t.refused++
					t.lastError = err.Error()
				}
			})
		})
	}
}

// visitReason is the reason of the credits that visits book.
const visitReason = "visit"

// one is one visit.
func (s *site) one(ctx context.Context, n int) (posts int, err error) {
	account := string(s.accounts[rand.IntN(len(s.accounts))])
	path := "/v1/accounts/" + url.PathEscape(account)
	switch {
	case n%10 == 9:
		once := fmt.Sprintf("%s-%d", s.name, n)
		body := map[string]string{"direction": "credit", "amount": "1.00", "reason": visitReason}
		for range 2 {
			if _, err = s.operator.Post(ctx, "/v1/operator/accounts/"+url.PathEscape(account)+"/adjustments", once, body, nil); err == nil {
				posts = 1
			}
		}
	case n%3 == 0:
		_, err = s.operator.Do(ctx, http.MethodGet, path+"/entries", "", nil)
	default:
		_, err = s.operator.Do(ctx, http.MethodGet, path+"/wallet", "", nil)
	}
	return posts, err
}
