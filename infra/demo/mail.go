package demo

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"billingcentre/infra/demo/centre"
)

// mailAddress is where the people of the account are told what happens to it. No mail leaves the machine.
const mailAddress = "finance@example.org"

// subscribe has the account's people told everything, in Chinese. What was set before stays.
func subscribe(ctx context.Context, owner *centre.Caller) error {
	const path = "/v1/accounts/" + topUpAccount + "/notice-preferences"
	var now struct {
		Version int64 `json:"version"`
	}
	if err := owner.Get(ctx, path, &now); err != nil || now.Version > 0 {
		return err
	}
	_, err := owner.Do(ctx, http.MethodPut, path, "", map[string]any{
		"version": 0, "language": "zh", "addresses": []string{mailAddress}, "low_balance": "95.00", "high_consumption": map[string]string{"total": "10.00"},
	})
	return err
}

// mails waits until the account's people were told of the top-up.
func (d *Demo) mails(ctx context.Context, owner *centre.Caller) error {
	step := d.Console.Step("mails")
	defer step.Failed() // unless it is done
	ctx, cancel := context.WithTimeout(ctx, topUpWait)
	defer cancel()
	for {
		sent, told, err := letters(ctx, owner)
		if err != nil {
			return err
		}
		if told {
			step.Done("%d letters to %s, in Chinese", sent, mailAddress)
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("nobody was told of the top-up within %s", topUpWait)
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// letters counts those that were sent. told is whether the top-up's is among them.
func letters(ctx context.Context, owner *centre.Caller) (sent int, told bool, err error) {
	var page struct {
		Items []struct {
			Kind       string `json:"kind"`
			Recipients []struct {
				Status string `json:"status"`
			} `json:"recipients"`
		} `json:"items"`
	}
	if err := owner.Get(ctx, "/v1/accounts/"+topUpAccount+"/notices?limit=100", &page); err != nil {
		return 0, false, err
	}
	for _, notice := range page.Items {
		for _, r := range notice.Recipients {
			if r.Status == "sent" || r.Status == "delivered" {
				sent, told = sent+1, told || notice.Kind == "topped_up"
			}
		}
	}
	return sent, told, nil
}
