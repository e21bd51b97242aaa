package settlement

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"billingcentre/shared/batch"
	"billingcentre/shared/ledger"
	"billingcentre/shared/wallet"
)

// bills are n bills of 0.01 over the workspaces, in turn.
func bills(n int, workspaces ...wallet.WorkspaceID) []events.SQSMessage {
	records := make([]events.SQSMessage, n)
	for i := range records {
		records[i] = record(fmt.Sprintf("m-%d", i), body(fmt.Sprintf("b-%d", i), workspaces[i%len(workspaces)], "logs", "0.01"))
	}
	return records
}

// settledOf counts the bills of an account.
func (m *mill) settledOf(account wallet.AccountID) (n int) {
	for _, e := range m.journal(account) {
		if e.Settlement != nil {
			n++
		}
	}
	return n
}

// T-22, Q52: one bad message among a thousand, wherever it is, is the only one that isn't settled.
func TestAPoisonHurtsNobody(t *testing.T) {
	for _, size := range []int{1, 10, 100, 1_000} {
		for _, at := range []int{0, size / 2, size - 1} {
			for name, poison := range map[string]string{"not JSON": "\x1b[2J", "an unknown field": `{"version":1,"drop":"table"}`} {
				t.Run(fmt.Sprintf("%s at %d of %d", name, at, size), func(t *testing.T) {
					m := newMill(t)
					records := bills(size, "ws-a", "ws-b")
					records[at].Body = poison
					if back := m.take(records...); back != nil {
						t.Errorf("handed back: %v", back)
					}
					if got := m.settledOf("acme") + m.settledOf("bolt"); got != size-1 {
						t.Errorf("%d of %d settled", got, size-1)
					}
					if diff := cmp.Diff([]string{fmt.Sprintf("m-%d: invalid", at)}, m.kept()); diff != "" {
						t.Error(diff)
					}
				})
			}
		}
	}
}

// Q54: many bills of one account are few commits, of at most a transaction's items.
func TestBillsOfOneAccountShareCommits(t *testing.T) {
	for _, row := range []struct {
		workspace wallet.WorkspaceID
		n, most   int
	}{{"ws-a", 1, 1}, {"ws-a", 99, 1}, {"ws-a", 100, 2}, {"ws-a", 250, 3}, {"ws-cloud", 250, 8}} {
		t.Run(fmt.Sprintf("%d of %s", row.n, row.workspace), func(t *testing.T) {
			m := newMill(t)
			commits := 0
			m.Settlement = m.over(&spoilt{Store: m.memory, commit: func(c ledger.Commit, next func() error) error {
				commits++
				if items := 1 + len(c.Entries) + len(c.Documents); items > ledger.MaxActions {
					t.Errorf("%d items in one commit", items)
				}
				return next()
			}})
			if back := m.take(bills(row.n, row.workspace)...); back != nil {
				t.Errorf("handed back: %v", back)
			}
			if got := m.settledOf("acme"); got != row.n || commits > row.most {
				t.Errorf("%d of %d settled by %d commits", got, row.n, commits)
			}
		})
	}
}

// Q42 to Q45, T-20, T-21: everything again, in another order and in other batches, weeks later, changes nothing.
func TestRedeliveryChangesNothing(t *testing.T) {
	m := newMill(t)
	records := bills(300, "ws-a", "ws-b", "ws-cloud")
	m.take(records...)
	before := []wallet.Head{m.head("acme"), m.head("bolt")}
	random := rand.New(rand.NewPCG(7, 7))
	for round := range 3 {
		m.now = m.now.AddDate(0, 0, 15)
		random.Shuffle(len(records), func(i, j int) { records[i], records[j] = records[j], records[i] })
		for part := range slices.Chunk(records, 70+round) {
			if back := m.take(append(part, part[0])...); back != nil {
				t.Fatalf("handed back: %v", back)
			}
		}
	}
	after := []wallet.Head{m.head("acme"), m.head("bolt")}
	for i := range before {
		if !slices.Equal(before[i].Canonical(), after[i].Canonical()) {
			t.Errorf("%s changed", before[i].Account)
		}
	}
	if kept := m.kept(); kept != nil {
		t.Errorf("quarantined: %v", kept)
	}
}

// Q43: the same bill 32 times at once is settled once.
func TestTheSameBillAtOnceSettlesOnce(t *testing.T) {
	m := newMill(t)
	var wg sync.WaitGroup
	for i := range 32 {
		wg.Go(func() {
			m.take(record(fmt.Sprintf("m-%d", i), body("once", "ws-a", "logs", "13.40")))
		})
	}
	wg.Wait()
	if got, head := m.settledOf("acme"), m.head("acme"); got != 1 || head.Cash.String() != "95.60" {
		t.Errorf("settled %d times, cash %s", got, head.Cash)
	}
}

// Q46: the same id with other content is kept for an operator, in whichever batch and account it comes; the first stands.
func TestTheFirstOfAnIDStands(t *testing.T) {
	m := newMill(t)
	m.take(record("m-1", body("b", "ws-a", "logs", "1")))
	if back := m.take(record("m-2", body("b", "ws-a", "logs", "2")), record("m-3", body("b", "ws-b", "logs", "1"))); back != nil {
		t.Errorf("handed back: %v", back)
	}
	kept := m.kept()
	slices.Sort(kept)
	if diff := cmp.Diff([]string{"m-2: key_reused", "m-3: key_reused"}, kept); diff != "" {
		t.Error(diff)
	}
	if m.settledOf("acme") != 1 || m.settledOf("bolt") != 0 {
		t.Error("more than the first was settled")
	}
}

func TestTwentyAccountsSettleSideBySide(t *testing.T) {
	m := newMill(t)
	var workspaces []wallet.WorkspaceID
	for i := range 20 {
		account, workspace := wallet.AccountID(fmt.Sprintf("acc-%d", i)), wallet.WorkspaceID(fmt.Sprintf("ws-%d", i))
		m.now = night.AddDate(0, -1, 0)
		m.open(account)
		m.bind(account, workspace, wallet.BillingCenter)
		workspaces = append(workspaces, workspace)
	}
	m.now = night
	var mu sync.Mutex
	atOnce, most := 0, 0
	meet := make(chan struct{})
	m.Settlement = m.over(&spoilt{Store: m.memory, commit: func(_ ledger.Commit, next func() error) error {
		mu.Lock()
		atOnce++
		if most = max(most, atOnce); atOnce == accountsAtOnce {
			close(meet) // the first eight have met: from here on all go on
		}
		mu.Unlock()
		select {
		case <-meet:
		case <-time.After(10 * time.Second):
			t.Error("accounts wait for each other")
		}
		return next()
	}})
	m.take(bills(1_000, workspaces...)...)
	for i := range 20 {
		if got := m.settledOf(wallet.AccountID(fmt.Sprintf("acc-%d", i))); got != 50 {
			t.Errorf("account %d: %d settled", i, got)
		}
	}
	if most < accountsAtOnce {
		t.Errorf("at most %d at once", most)
	}
}

// T-25: near its deadline the function begins nothing more, and hands back what it hasn't begun.
func TestNoTimeLeft(t *testing.T) {
	m := newMill(t)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	response, err := m.Handle(ctx, events.SQSEvent{Records: bills(30, "ws-a", "ws-b")})
	if err != nil || len(failed(response)) != 30 || m.settledOf("acme") != 0 {
		t.Errorf("%d handed back, %d settled, %v", len(failed(response)), m.settledOf("acme"), err)
	}
	if hidden := m.queue.hidden["receipt-m-7"]; hidden != 5 {
		t.Errorf("hidden for %d s", hidden)
	}
	if len(m.out.with(`"unfinished":30`)) != 1 {
		t.Error("the log doesn't tell")
	}
}

// Those that time ran out for before come first.
func TestTheMostReceivedComeFirst(t *testing.T) {
	fresh := &batch.Message{Body: body("b-1", "ws-a", "logs", "1"), Receives: 1}
	old := &batch.Message{Body: body("b-2", "ws-b", "logs", "1"), Receives: 7}
	groups := byAccount(newMill(t).claims(t.Context(), []*batch.Message{fresh, old}))
	if len(groups) != 2 || groups[0][0].Account != "bolt" || groups[1][0].Account != "acme" {
		t.Errorf("first comes %s", groups[0][0].Account)
	}
}

// Bodies are somebody's usage: they are in the quarantine, never in the log.
func TestBodiesAreNotLogged(t *testing.T) {
	m := newMill(t)
	m.take(record("m-1", `{"secret":"hush"}`), record("m-2", body("hush-bill", "ws-nowhere", "hush", "1")), record("m-3", body("b", "ws-a", "hush", "-200")))
	if told := m.out.with("hush"); told != nil {
		t.Errorf("logged: %v", told)
	}
	if n := len(m.out.with(`"Quarantined":1`)); n != 2 {
		t.Errorf("%d metrics of quarantine", n)
	}
	if n := len(m.out.with(`"BillsRetried":1`)); n != 1 {
		t.Errorf("%d metrics of retries", n)
	}
}

// The poller may lose the answer: the whole batch comes again, even what was quarantined (Q57, T-23).
func TestAWholeBatchAgain(t *testing.T) {
	m := newMill(t)
	records := append(bills(5, "ws-a"), record("m-9", "poison"))
	m.take(records...)
	m.take(records...)
	if m.settledOf("acme") != 5 || len(m.kept()) != 1 {
		t.Errorf("%d settled, quarantined %v", m.settledOf("acme"), m.kept())
	}
}

// What an operator binds later settles by replay: the quarantine has the body as it came.
func TestReplayFromQuarantine(t *testing.T) {
	m := newMill(t)
	late := record("m-1", body("b", "ws-new", "logs", "1"))
	m.now = night.Add(time.Hour)
	m.take(late)
	if diff := cmp.Diff([]string{"m-1: not_found"}, m.kept()); diff != "" {
		t.Fatal(diff)
	}
	m.bind("acme", "ws-new", wallet.BillingCenter)
	kept, err := m.Bills.Quarantine.Get(t.Context(), "m-1")
	if err != nil {
		t.Fatal(err)
	}
	if back := m.take(record("m-2", string(kept.Body))); back != nil || m.settledOf("acme") != 1 {
		t.Errorf("handed back %v, %d settled", back, m.settledOf("acme"))
	}
}

// TestWhatIsReceivedAgainIsNotCommittedAgain: of a batch of which some come again, only the others are sent to the store.
func TestWhatIsReceivedAgainIsNotCommittedAgain(t *testing.T) {
	m := newMill(t)
	records := bills(20, "ws-a")
	m.take(records[:12]...)
	for i := range records[:12] {
		records[i].Attributes["ApproximateReceiveCount"] = "2"
	}
	var sent []int
	m.Settlement = m.over(&spoilt{Store: m.memory, commit: func(c ledger.Commit, next func() error) error {
		sent = append(sent, len(c.Entries))
		return next()
	}})
	if back := m.take(records...); back != nil {
		t.Errorf("handed back: %v", back)
	}
	if got := m.settledOf("acme"); got != 20 || !slices.Equal(sent, []int{8}) {
		t.Errorf("%d of 20 settled, by commits of %v", got, sent)
	}
}
