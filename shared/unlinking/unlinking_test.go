package unlinking

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"billingcentre/shared/cloudlink"
	"billingcentre/shared/directory"
	"billingcentre/shared/ledger"
	"billingcentre/shared/ledger/memory"
	"billingcentre/shared/money"
	"billingcentre/shared/notice"
	"billingcentre/shared/refusal"
	"billingcentre/shared/wallet"
)

var (
	noon   = time.Date(2026, 11, 10, 12, 0, 0, 0, time.UTC)
	amazon = wallet.CloudAccount{Provider: "aws", Customer: "c-1"}
	ali    = wallet.CloudAccount{Provider: "alibaba", Customer: "c-1"}
	huawei = wallet.CloudAccount{Provider: "huawei", Customer: "c-1"}
)

// port is acme with a workspace on each of three clouds, one more on AWS, and one that the wallet pays for.
type port struct {
	*testing.T
	keeper *Keeper
	store  *listening
	now    time.Time
}

// listening is a store that notes notices, in order; fail is the next Put's answer, after it was done.
type listening struct {
	memory.Store
	told []notice.Notice
	fail error
}

func (l *listening) Put(ctx context.Context, documents ...ledger.Document) error {
	if err := l.Store.Put(ctx, documents...); err != nil {
		return err
	}
	for _, d := range documents {
		if d.Key.Kind == notice.DocumentKind {
			n, err := ledger.Body[notice.Notice](d)
			if err != nil {
				return err
			}
			l.told = append(l.told, n)
		}
	}
	fail := l.fail
	l.fail = nil
	return fail
}

func newPort(t *testing.T) *port {
	p := &port{T: t, store: new(listening), now: noon.AddDate(0, -1, 0)}
	clock := func() time.Time { return p.now }
	books := &ledger.Ledger{Store: p.store, Policy: wallet.DefaultPolicy(), Now: clock}
	p.keeper = &Keeper{
		Desk: &cloudlink.Desk{Store: p.store, Policy: books.Policy, Now: clock}, Directory: &directory.Directory{Store: p.store, Now: clock},
		Log: slog.New(slog.DiscardHandler),
	}
	for _, id := range []wallet.AccountID{"acme", "bolt"} {
		_, err := books.Do(t.Context(), id, directory.Opening(directory.Account{ID: id, Currency: money.CNY, Zone: "Asia/Shanghai"}, "ops"))
		p.must(err)
	}
	for _, cloud := range []wallet.CloudAccount{amazon, ali, huawei} {
		p.link(cloud)
	}
	p.bind("ws-aws", amazon)
	p.bind("ws-aws-2", amazon)
	p.bind("ws-ali", ali)
	p.bind("ws-huawei", huawei)
	p.bind("ws-own", wallet.CloudAccount{})
	p.now = noon
	return p
}

func (p *port) must(err error) {
	p.Helper()
	if err != nil {
		p.Fatal(err)
	}
}

func (p *port) link(cloud wallet.CloudAccount) {
	p.Helper()
	_, _, err := p.keeper.Desk.Link(p.Context(), "acme", cloud, "ops")
	p.must(err)
}

func (p *port) wish(id wallet.WorkspaceID, cloud wallet.CloudAccount) directory.Wish {
	wish := directory.Wish{Workspace: id, Account: "acme", Method: wallet.BillingCenter}
	if cloud.Provider != "" {
		wish.Method, wish.Cloud = wallet.Cloud, cloud
	}
	return wish
}

func (p *port) bind(id wallet.WorkspaceID, cloud wallet.CloudAccount) {
	p.Helper()
	_, _, err := p.keeper.Directory.Bind(p.Context(), p.wish(id, cloud))
	p.must(err)
}

func (p *port) change(id wallet.WorkspaceID, cloud wallet.CloudAccount) error {
	_, _, err := p.keeper.Directory.ChangeMethod(p.Context(), p.wish(id, cloud))
	return err
}

func (p *port) unlink(cloud wallet.CloudAccount) {
	p.Helper()
	_, err := p.keeper.Unlink(p.Context(), cloud, "ops")
	p.must(err)
}

func (p *port) day(days int) {
	p.Helper()
	p.now = noon.AddDate(0, 0, days)
	_, err := p.keeper.Run(p.Context())
	p.must(err)
}

// want compares what was told since the last time, and a link's state.
func (p *port) want(cloud wallet.CloudAccount, state cloudlink.State, told ...string) {
	p.Helper()
	var got []string
	for _, n := range p.store.told {
		c := n.CloudLink
		line := fmt.Sprintf("%s %s %s:", n.Kind, c.Provider, c.Stage)
		for _, id := range c.Workspaces {
			line += " " + string(id)
		}
		got = append(got, line)
	}
	p.store.told = nil
	if !slices.Equal(got, told) {
		p.Errorf("told:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(told, "\n"))
	}
	link, err := p.keeper.Desk.Get(p.Context(), "acme", cloud)
	if err != nil || link.State != state {
		p.Errorf("%s, want %s: %v", link.State, state, err)
	}
	open, _, err := p.keeper.Desk.Open(p.Context(), cloudlink.Unlinked, "", 10)
	if err != nil || (len(open) > 0) != (state == cloudlink.Unlinked) {
		p.Errorf("%d open links of a %s one: %v", len(open), state, err)
	}
}

func (p *port) method(id wallet.WorkspaceID) wallet.Method {
	p.Helper()
	w, err := p.keeper.Directory.Workspace(p.Context(), "acme", id)
	p.must(err)
	return w.Current().Method
}

// README rule 27, row by row.
func TestUnlinking(t *testing.T) {
	const (
		unlinked = "cloud_unlinked aws unlinked: ws-aws ws-aws-2"
		reminder = "cloud_unlinked aws reminder: ws-aws ws-aws-2"
		stage    = "cloud_unlinked aws locked: ws-aws ws-aws-2"
		locked   = "workspaces_locked aws locked: ws-aws ws-aws-2"
	)
	for name, story := range map[string]func(p *port){
		"Alibaba: back to the wallet at once, with a notice": func(p *port) {
			p.unlink(ali)
			p.want(ali, cloudlink.Unlinked, "cloud_unlinked alibaba unlinked: ws-ali")
			if p.method("ws-ali") != wallet.BillingCenter || p.method("ws-aws") != wallet.Cloud {
				t.Error("the wrong ones went back")
			}
			p.unlink(ali)
			p.day(1)
			p.day(2)
			p.want(ali, cloudlink.Released)
		},
		"Alibaba: one that was missed at first goes back later": func(p *port) {
			_, _, err := p.keeper.Desk.Unlink(p.Context(), ali, "ops", func(wallet.AccountID) ([]wallet.WorkspaceID, error) { return nil, nil })
			p.must(err)
			p.day(0)
			if p.method("ws-ali") != wallet.BillingCenter {
				t.Error("it didn't")
			}
			p.day(1)
			p.want(ali, cloudlink.Released, "cloud_unlinked alibaba unlinked:")
		},
		"AWS: a countdown, a reminder, a lock": func(p *port) {
			p.unlink(amazon)
			p.want(amazon, cloudlink.Unlinked, unlinked)
			p.day(10)
			p.want(amazon, cloudlink.Unlinked)
			p.day(11)
			p.day(12)
			p.want(amazon, cloudlink.Unlinked, reminder)
			p.day(14)
			p.day(15)
			p.want(amazon, cloudlink.Unlinked, stage, locked)
			if p.method("ws-aws") != wallet.Cloud {
				t.Error("a lock changes no method")
			}
		},
		"Huawei: the same": func(p *port) {
			p.unlink(huawei)
			p.day(14)
			p.want(huawei, cloudlink.Unlinked, "cloud_unlinked huawei unlinked: ws-huawei", "cloud_unlinked huawei locked: ws-huawei", "workspaces_locked huawei locked: ws-huawei")
		},
		"the account's time zone counts the days, to the instant": func(p *port) {
			p.unlink(amazon)
			p.day(11)
			p.now = noon.AddDate(0, 0, 14).Add(-time.Millisecond)
			_, err := p.keeper.Run(p.Context())
			p.must(err)
			p.want(amazon, cloudlink.Unlinked, unlinked, reminder)
		},
		"all leave in time: released, and nothing locked": func(p *port) {
			p.unlink(amazon)
			p.must(p.change("ws-aws", wallet.CloudAccount{}))
			p.must(p.change("ws-aws-2", huawei))
			p.day(11)
			p.day(14)
			p.day(15)
			p.want(amazon, cloudlink.Released, unlinked)
		},
		"one leaves, the other is locked, and leaves too": func(p *port) {
			p.unlink(amazon)
			p.must(p.change("ws-aws", wallet.CloudAccount{}))
			p.day(14)
			p.want(amazon, cloudlink.Unlinked, unlinked, "cloud_unlinked aws locked: ws-aws-2", "workspaces_locked aws locked: ws-aws-2")
			p.must(p.change("ws-aws-2", wallet.CloudAccount{}))
			p.day(14)
			p.want(amazon, cloudlink.Released, "workspaces_unlocked aws locked: ws-aws-2")
		},
		"linked again: the countdown is over": func(p *port) {
			p.unlink(amazon)
			p.link(amazon)
			p.day(20)
			p.want(amazon, cloudlink.Linked, unlinked)
		},
		"linked again while locked: unlocked, and the next time counts anew": func(p *port) {
			p.unlink(amazon)
			p.day(14)
			p.link(amazon)
			p.want(amazon, cloudlink.Linked, unlinked, stage, locked, "workspaces_unlocked aws locked: ws-aws ws-aws-2")
			p.unlink(amazon)
			p.want(amazon, cloudlink.Unlinked, unlinked)
			p.day(20)
			p.want(amazon, cloudlink.Unlinked)
			p.day(28)
			p.want(amazon, cloudlink.Unlinked, stage, locked)
		},
		"the answer of the lock is lost: told once": func(p *port) {
			p.unlink(amazon)
			p.store.fail = ledger.ErrUnknown
			p.day(14)
			p.day(14)
			p.want(amazon, cloudlink.Unlinked, unlinked, stage, locked)
		},
		"nothing is bound to it any more": func(p *port) {
			p.unlink(amazon)
			if _, _, err := p.keeper.Directory.Bind(p.Context(), p.wish("ws-new", amazon)); !refusal.Is(err, refusal.Conflict) {
				t.Error(err)
			}
			p.want(amazon, cloudlink.Unlinked, unlinked)
		},
	} {
		t.Run(name, func(t *testing.T) { story(newPort(t)) })
	}
}

// A cloud account pays for one billing account, and for nobody who only knows its name.
func TestWhoseALinkIs(t *testing.T) {
	p := newPort(t)
	desk, ctx := p.keeper.Desk, t.Context()
	other := wallet.CloudAccount{Provider: "aws", Customer: "c-2"}
	used := func(inUse bool) func() (bool, error) { return func() (bool, error) { return inUse, nil } }
	for _, row := range []struct {
		name string
		do   func() (cloudlink.Link, bool, error)
		want string
	}{
		{"bolt asks for acme's", func() (cloudlink.Link, bool, error) { return desk.Ask(ctx, "bolt", amazon, "pat") }, "asked true"},
		{"asks again", func() (cloudlink.Link, bool, error) { return desk.Ask(ctx, "bolt", amazon, "pat") }, "asked false"},
		{"an operator doesn't link it", func() (cloudlink.Link, bool, error) { return desk.Link(ctx, "bolt", amazon, "ops") }, "conflict"},
		{"acme asks for what it has", func() (cloudlink.Link, bool, error) { return desk.Ask(ctx, "acme", amazon, "pat") }, "linked false"},
		{"two ask for one", func() (cloudlink.Link, bool, error) { return desk.Ask(ctx, "bolt", other, "pat") }, "asked true"},
		{"two ask for one", func() (cloudlink.Link, bool, error) { return desk.Ask(ctx, "acme", other, "pat") }, "asked true"},
		{"an operator tells whose it is", func() (cloudlink.Link, bool, error) { return desk.Link(ctx, "acme", other, "ops") }, "linked true"},
		{"the other takes it back", func() (cloudlink.Link, bool, error) { return desk.Release(ctx, "bolt", other, "pat", used(false)) }, "released true"},
		{"what is used isn't released", func() (cloudlink.Link, bool, error) { return desk.Release(ctx, "acme", other, "pat", used(true)) }, "conflict"},
		{"what isn't is", func() (cloudlink.Link, bool, error) { return desk.Release(ctx, "acme", other, "pat", used(false)) }, "released true"},
		{"again", func() (cloudlink.Link, bool, error) { return desk.Release(ctx, "acme", other, "pat", used(false)) }, "released false"},
		{"then it is free", func() (cloudlink.Link, bool, error) { return desk.Link(ctx, "bolt", other, "ops") }, "linked true"},
		{"nobody's isn't unlinked", func() (cloudlink.Link, bool, error) {
			return desk.Unlink(ctx, wallet.CloudAccount{Provider: "aws", Customer: "c-9"}, "ops", nil)
		}, "not_found"},
		{"nobody's isn't released", func() (cloudlink.Link, bool, error) {
			return desk.Release(ctx, "acme", wallet.CloudAccount{Provider: "aws", Customer: "c-9"}, "pat", used(false))
		}, "not_found"},
	} {
		link, changed, err := row.do()
		got := fmt.Sprint(link.State, " ", changed)
		if r := refusal.As(err); r != nil {
			got = string(r.Kind)
		} else {
			p.must(err)
		}
		if got != row.want {
			t.Errorf("%s: %s, want %s", row.name, got, row.want)
		}
	}
	links, _, err := desk.List(ctx, "acme", "", 10)
	if err != nil || len(links) != 4 {
		t.Errorf("%d links, %v", len(links), err)
	}
	asked, _, err := desk.Open(ctx, cloudlink.Asked, "", 10)
	if err != nil || len(asked) != 1 || asked[0].Account != "bolt" || asked[0].Cloud != amazon {
		t.Errorf("asked for: %+v, %v", asked, err)
	}
}
