package e2e

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"

	"billingcentre/infra/local/mailbox"
	"billingcentre/infra/local/stack"
)

// mailed is one notice as the API lists it.
type mailed struct {
	Kind       string `json:"kind"`
	Skipped    string `json:"skipped"`
	Recipients []struct {
		Address string `json:"address"`
		Status  string `json:"status"`
		Reason  string `json:"reason"`
	} `json:"recipients"`
}

// became is what became of an account's notices, the last first.
func (a *account) became() (all []string, err error) {
	var page struct {
		Items []mailed `json:"items"`
	}
	if err := a.owner.Get(a.t.Context(), a.path("/notices"), &page); err != nil {
		return nil, err
	}
	for _, n := range page.Items {
		if n.Skipped != "" {
			all = append(all, n.Kind+" "+n.Skipped)
		}
		for _, r := range n.Recipients {
			all = append(all, strings.TrimSpace(n.Kind+" "+r.Status+" "+r.Reason))
		}
	}
	return all, nil
}

// mails are those that SES took for an address.
func mails(s *stack.Stack, to string) []mailbox.Mail {
	return slices.DeleteFunc(s.Mailbox.Mails(), func(m mailbox.Mail) bool { return !slices.Contains(m.To, to) })
}

// From the commit by stream, bus, queue and SES to the addressee, and back with what became of it.
func TestPeopleAreToldByMailOnce(t *testing.T) {
	s := running(t)
	t.Parallel()
	a := open(t, "mailed", "CNY")
	const bounces = "bounce@simulator.amazonses.com"
	set := func(wishes map[string]any) {
		t.Helper()
		if _, err := a.owner.Do(context.Background(), http.MethodPut, a.path("/notice-preferences"), "", wishes); err != nil {
			t.Fatal(err)
		}
	}
	set(map[string]any{"version": 0, "language": "zh", "addresses": []string{"mailed@example.org", bounces}, "low_balance": "500.00", "unwanted": []string{"voucher_activated"}})

	order, _ := a.recharge("first", "100.00")
	if _, err := s.Alipay.Scan(order.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Alipay.Pay(order.ID); err != nil {
		t.Fatal(err)
	}
	want := []string{"low_balance delivered", "low_balance failed bounced 5.1.1", "topped_up delivered", "topped_up failed bounced 5.1.1"}
	var got []string
	await(t, "four letters have gone out, and SES has told what became of them", func() (bool, error) {
		var err error
		got, err = a.became()
		slices.Sort(got)
		return slices.Equal(got, want), err
	})
	var subjects []string
	for _, m := range mails(s, "mailed@example.org") {
		subjects = append(subjects, m.Subject)
		if !strings.Contains(m.Plain, "账户：") || !strings.Contains(m.HTML, `lang="zh-CN"`) {
			t.Errorf("%s\n%s", m.Plain, m.HTML)
		}
	}
	slices.Sort(subjects)
	if !slices.Equal(subjects, []string{"余额不足提醒：100.00 元", "充值到账：100.00 元"}) {
		t.Errorf("mailed %q", subjects)
	}
}
