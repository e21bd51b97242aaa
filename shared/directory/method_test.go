package directory

import (
	"context"
	"testing"
	"time"

	"billingcentre/shared/ledger"
	"billingcentre/shared/money"
	"billingcentre/shared/refusal"
	"billingcentre/shared/wallet"
)

// README rule 27, row by row: ws is bound to a since noon of the tenth of November, and paid by the wallet; a's cloud
// account at AWS is linked.
func TestWhoPaysForAWorkspaceChangesByRule(t *testing.T) {
	const (
		owner    = false
		operator = true
	)
	for name, story := range map[string]func(w *town) error{
		"towards a cloud account that is linked": func(w *town) error {
			return w.change("a", "ws", wallet.Cloud, owner)
		},
		"CONFLICT towards one that isn't": func(w *town) error {
			_, _, err := w.ChangeMethod(w.t.Context(), Wish{Workspace: "ws", Account: "a", Method: wallet.Cloud, Cloud: wallet.CloudAccount{Provider: "aws", Customer: "c-2"}})
			return err
		},
		"CONFLICT towards one that was only asked for": func(w *town) error {
			cloud := wallet.CloudAccount{Provider: "aws", Customer: "c-2"}
			if _, _, err := w.clouds.Ask(w.t.Context(), "a", cloud, "owner"); err != nil {
				return err
			}
			_, _, err := w.ChangeMethod(w.t.Context(), Wish{Workspace: "ws", Account: "a", Method: wallet.Cloud, Cloud: cloud})
			return err
		},
		"CONFLICT towards one that is linked to somebody else, even by an operator": func(w *town) error {
			w.mustBind("b", "ws-b")
			return w.change("b", "ws-b", wallet.Cloud, operator)
		},
		"CONFLICT binding to a cloud account that isn't linked": func(w *town) error {
			_, _, err := w.Bind(w.t.Context(), Wish{Workspace: "ws-2", Account: "b", Method: wallet.Cloud, Cloud: aws})
			return err
		},
		"the same again": func(w *town) error {
			w.must(w.change("a", "ws", wallet.Cloud, owner))
			return w.change("a", "ws", wallet.Cloud, owner)
		},
		"NOT_FOUND by an account that it isn't bound to": func(w *town) error { return w.change("b", "ws", wallet.Cloud, owner) },
		"CONFLICT towards a cloud account while something is owed": func(w *town) error {
			w.owe("ws")
			return w.change("a", "ws", wallet.Cloud, owner)
		},
		"CONFLICT the same, by an operator": func(w *town) error {
			w.owe("ws")
			return w.change("a", "ws", wallet.Cloud, operator)
		},
		"CONFLICT away from a cloud account that is linked": func(w *town) error {
			w.must(w.change("a", "ws", wallet.Cloud, owner))
			return w.change("a", "ws", wallet.BillingCenter, owner)
		},
		"CONFLICT the same, by an operator: the link is released first": func(w *town) error {
			w.must(w.change("a", "ws", wallet.Cloud, owner))
			return w.change("a", "ws", wallet.BillingCenter, operator)
		},
		"away from one that was unlinked, in the same month": func(w *town) error {
			w.must(w.change("a", "ws", wallet.Cloud, owner))
			w.unlink()
			return w.change("a", "ws", wallet.BillingCenter, owner)
		},
		"CONFLICT the link isn't released while the list may not tell of the workspace yet": func(w *town) error {
			w.must(w.change("a", "ws", wallet.Cloud, owner))
			w.now = w.now.Add(59 * time.Second)
			return w.release()
		},
		"the list tells in time": func(w *town) error {
			w.must(w.change("a", "ws", wallet.Cloud, owner))
			w.now = w.now.Add(time.Minute)
			return w.release()
		},
		"FORBIDDEN away from one that was never linked here": func(w *town) error {
			w.unlinked("ws-old")
			return w.change("a", "ws-old", wallet.BillingCenter, owner)
		},
		"the same, by an operator": func(w *town) error {
			w.unlinked("ws-old")
			return w.change("a", "ws-old", wallet.BillingCenter, operator)
		},
		"CONFLICT a second time in a calendar month": func(w *town) error {
			w.must(w.change("a", "ws", wallet.Cloud, owner))
			w.unlink()
			w.must(w.change("a", "ws", wallet.BillingCenter, owner))
			w.link()
			return w.change("a", "ws", wallet.Cloud, owner)
		},
		"CONFLICT the same in the month's last second, account time, by an operator": func(w *town) error {
			w.must(w.change("a", "ws", wallet.Cloud, owner))
			w.unlink()
			w.must(w.change("a", "ws", wallet.BillingCenter, owner))
			w.link()
			w.now = at("2026-11-30T23:59:59+08:00")
			return w.change("a", "ws", wallet.Cloud, operator)
		},
		"in the next month, which is still November in UTC": func(w *town) error {
			w.must(w.change("a", "ws", wallet.Cloud, owner))
			w.unlink()
			w.must(w.change("a", "ws", wallet.BillingCenter, owner))
			w.link()
			w.now = at("2026-12-01T00:00:00+08:00")
			return w.change("a", "ws", wallet.Cloud, owner)
		},
		"what the provider forced is no change of the month": func(w *town) error {
			w.now = noon.AddDate(0, -1, 0)
			w.mustBind("a", "ws-2")
			w.must(w.change("a", "ws-2", wallet.Cloud, owner))
			w.now = noon
			if changed, err := w.Return(w.t.Context(), "a", "ws-2", aws, "cloud-unlinking"); err != nil || !changed {
				return err
			}
			return w.change("a", "ws-2", wallet.Cloud, owner)
		},
		"CONFLICT unbinding and binding again is no way around": func(w *town) error {
			w.must(w.change("a", "ws", wallet.Cloud, owner))
			w.now = noon.Add(time.Hour)
			w.mustUnbind("a", "ws")
			_, _, err := w.bind("a", "ws")
			return err
		},
		"CONFLICT nor is the way round by another account, away from a cloud account that is linked": func(w *town) error {
			w.certify("r-1", "a", "b")
			w.must(w.change("a", "ws", wallet.Cloud, owner))
			w.mustUnbind("a", "ws")
			w.mustBind("b", "ws")
			w.mustUnbind("b", "ws")
			_, _, err := w.bind("a", "ws")
			return err
		},
		"CONFLICT or a second time in a calendar month": func(w *town) error {
			w.certify("r-1", "a", "b")
			w.must(w.change("a", "ws", wallet.Cloud, owner))
			w.unlink()
			w.must(w.change("a", "ws", wallet.BillingCenter, owner))
			w.link()
			w.mustUnbind("a", "ws")
			w.mustBind("b", "ws")
			w.mustUnbind("b", "ws")
			_, _, err := w.Bind(w.t.Context(), Wish{Workspace: "ws", Account: "a", Method: wallet.Cloud, Cloud: aws})
			return err
		},
		"CONFLICT or towards a cloud account while something is owed": func(w *town) error {
			w.certify("r-1", "a", "b")
			w.owe("ws")
			w.mustUnbind("a", "ws")
			w.mustBind("b", "ws")
			w.mustUnbind("b", "ws")
			_, _, err := w.Bind(w.t.Context(), Wish{Workspace: "ws", Account: "a", Method: wallet.Cloud, Cloud: aws})
			return err
		},
		"CONFLICT to an account of another certification": func(w *town) error {
			w.certify("r-1", "a")
			w.certify("r-2", "b")
			w.mustUnbind("a", "ws")
			_, _, err := w.bind("b", "ws")
			return err
		},
		"CONFLICT to an account without one": func(w *town) error {
			w.certify("r-1", "a")
			w.mustUnbind("a", "ws")
			_, _, err := w.bind("b", "ws")
			return err
		},
		"CONFLICT none is no certification": func(w *town) error {
			w.mustUnbind("a", "ws")
			_, _, err := w.bind("b", "ws")
			return err
		},
		"CONFLICT by an operator, from the past": func(w *town) error {
			_, _, err := w.bindFrom("b", "ws", noon.AddDate(0, 0, -5))
			return err
		},
		"to an account of the same certification, with a method of its own": func(w *town) error {
			w.certify("r-1", "a", "b")
			w.must(w.change("a", "ws", wallet.Cloud, owner))
			w.mustUnbind("a", "ws")
			_, _, err := w.bind("b", "ws")
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newTown(t)
			w.mustBind("a", "ws")
			got := "OK"
			if err := story(w); refusal.As(err) != nil {
				got = string(refusal.As(err).Kind)
			} else if err != nil {
				t.Fatal(err)
			}
			if want := wanted(name); got != want {
				t.Errorf("%s, want %s", got, want)
			}
		})
	}
}

// wanted is what a row's name begins with, when it is refused.
func wanted(name string) string {
	for word, kind := range map[string]refusal.Kind{"CONFLICT": refusal.Conflict, "FORBIDDEN": refusal.Forbidden, "NOT_FOUND": refusal.NotFound} {
		if len(name) > len(word) && name[:len(word)] == word {
			return string(kind)
		}
	}
	return "OK"
}

func (w *town) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *town) link() {
	w.t.Helper()
	_, _, err := w.clouds.Link(w.t.Context(), "a", aws, "ops")
	w.must(err)
}

// release has a's cloud account released by someone whose list of workspaces has none on it.
func (w *town) release() error {
	_, _, err := w.clouds.Release(w.t.Context(), "a", aws, "owner", func() (bool, error) { return false, nil })
	return err
}

// overtaken is a store in which something happens right before the first write.
type overtaken struct {
	ledger.Store
	by func()
}

func (o *overtaken) Put(ctx context.Context, documents ...ledger.Document) error {
	if by := o.by; by != nil {
		o.by = nil
		by()
	}
	return o.Store.Put(ctx, documents...)
}

// A link that is released or unlinked while a workspace is on its way to it pays for nobody.
func TestNoWorkspaceComesToALinkThatEndsMeanwhile(t *testing.T) {
	for name, end := range map[string]func(w *town){
		"released": func(w *town) { w.must(w.release()) },
		"unlinked": func(w *town) { w.unlink() },
	} {
		for way, come := range map[string]func(w *town) error{
			"changed": func(w *town) error {
				w.mustBind("a", "ws")
				w.Store = &overtaken{w.store, func() { end(w) }}
				return w.change("a", "ws", wallet.Cloud, false)
			},
			"bound": func(w *town) error {
				w.Store = &overtaken{w.store, func() { end(w) }}
				_, _, err := w.Bind(t.Context(), Wish{Workspace: "ws", Account: "a", Method: wallet.Cloud, Cloud: aws})
				return err
			},
		} {
			t.Run(name+"/"+way, func(t *testing.T) {
				w := newTown(t)
				w.wantKind(come(w), refusal.Conflict)
				if w, err := w.Workspace(t.Context(), "a", "ws"); err == nil && w.Current().Method == wallet.Cloud {
					t.Errorf("it is on a link that is %s", name)
				}
			})
		}
	}
}

// unlinked is a workspace of a that was put on a cloud account before links were kept.
func (w *town) unlinked(id wallet.WorkspaceID) {
	w.t.Helper()
	old := Workspace{ID: id, Currency: money.CNY, Zone: "Asia/Shanghai", Bindings: []Binding{
		{From: noon, Account: "a", Method: wallet.Cloud, Cloud: wallet.CloudAccount{Provider: "huawei", Customer: "old"}},
	}}
	w.must(w.store.Put(w.t.Context(), old.document(ledger.Document{Key: workspaceKey(id)})))
}

// owe has a owe 5.00.
func (w *town) owe(id wallet.WorkspaceID) {
	w.t.Helper()
	w.now = noon.AddDate(0, 0, 2)
	amount, err := money.ParseExact("", "5", money.CNY)
	w.must(err)
	bill := wallet.Bill{ID: "b-1", Workspace: id, Day: "2026-11-10", Currency: money.CNY, Lines: []wallet.Line{{Product: "logs", Amount: amount}}}
	account, settle, err := w.Settle(w.t.Context(), bill)
	w.must(err)
	_, err = w.money.Do(w.t.Context(), account, ledger.Intent{Command: settle})
	w.must(err)
}

func TestCertification(t *testing.T) {
	w := newTown(t)
	_, _, err := w.Certify(t.Context(), "nobody", nil)
	w.wantKind(err, refusal.NotFound)
	w.certify("r-1", "a")
	account, changed, err := w.Certify(t.Context(), "a", &Certification{Kind: EnterpriseCertification, Number: "r-1", Actor: "another"})
	if err != nil || changed || account.Certification.Actor != "" {
		t.Errorf("the same again: %+v, %v, %v", account.Certification, changed, err)
	}
	if _, changed, err := w.Certify(t.Context(), "a", nil); err != nil || !changed {
		t.Error(changed, err)
	}
	if account, err := w.Account(t.Context(), "a"); err != nil || account.Certification != nil || account.rank() == "" {
		t.Error(account, err)
	}
}
