package webhook

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"strconv"
	"time"
)

// longestWait is how much longer than usual a receiver may ask us to wait.
const longestWait = time.Hour

// answer is what came back from a post.
type answer struct {
	attempt Attempt
	wait    time.Duration // what its Retry-After asks for
}

// ok tells whether the receiver has taken the event.
func (a answer) ok() bool { return a.attempt.Status >= 200 && a.attempt.Status < 300 }

// post makes one attempt. Only the answer's status and headers are looked at: a body of any size costs nothing. ok is
// false when the worker's own time ended before the attempt did.
func (c *Courier) post(ctx context.Context, to Endpoint, d Delivery, body []byte) (a answer, ok bool) {
	began := c.now()
	a.attempt = Attempt{At: began}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, to.URL, bytes.NewReader(body))
	if err != nil {
		a.attempt.Error = "bad_url"
		return a, true
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "billing-centre-webhooks/1")
	request.Header.Set("Webhook-Id", d.ID)
	request.Header.Set("Webhook-Timestamp", strconv.FormatInt(began.Unix(), 10))
	request.Header.Set("Webhook-Signature", c.Signer.Sign(d.Account, to, d.ID, began, body))
	response, err := c.Client.Do(request)
	a.attempt.Took = c.now().Sub(began).Milliseconds()
	if err != nil {
		a.attempt.Error = word(err)
		return a, ctx.Err() == nil
	}
	_ = response.Body.Close()
	a.attempt.Status = response.StatusCode
	if seconds, err := strconv.Atoi(response.Header.Get("Retry-After")); err == nil && seconds > 0 &&
		(response.StatusCode == http.StatusTooManyRequests || response.StatusCode == http.StatusServiceUnavailable) {
		a.wait = min(time.Duration(min(seconds, int(longestWait/time.Second)))*time.Second, longestWait)
	}
	return a, true
}

const (
	timedOut = "timeout" // the word for an answer that didn't come in time
	resting  = "resting" // the word for an attempt that isn't made
)

// word is why nobody answered, in a word that tells a customer enough and nothing of our network.
func word(err error) string {
	var dns *net.DNSError
	var timeout interface{ Timeout() bool }
	switch {
	case errors.Is(err, errForbidden):
		return "forbidden_address"
	case errors.As(err, &timeout) && timeout.Timeout():
		return timedOut
	case errors.As(err, &dns):
		return "unknown_host"
	default:
		return "connection"
	}
}
