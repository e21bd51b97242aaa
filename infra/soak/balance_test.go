package soak

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	standin "billingcentre/infra/local/alipay"
	"billingcentre/shared/ledger"
	"billingcentre/shared/money"
	"billingcentre/shared/proof"
	"billingcentre/shared/quarantine"
	"billingcentre/shared/recharge"
	"billingcentre/shared/wallet"
)

func (s *soak) fen(yuan string) int64 {
	amount, err := money.Parse("", yuan, money.CNY)
	if err != nil {
		s.Fatal(err)
	}
	return amount.Minor()
}

func (s *soak) sentBack(trade standin.Trade) (fen int64) {
	for _, refund := range trade.Refunds {
		fen += s.fen(refund.Amount)
	}
	return fen
}

// taken is what Alipay has taken for us and not sent back, and how much of it lies in trades of which nobody has credited anything.
func (s *soak) taken() (fen int64) {
	for _, trade := range s.gateway.Trades() {
		if !trade.PaidAt.IsZero() {
			fen += s.fen(trade.TotalAmount) - s.sentBack(trade)
		}
	}
	return fen
}

// balance is the proof: what Alipay has taken and not sent back is in the wallets, to the fen, and each trade has its story.
func (s *soak) balance() {
	s.Helper()
	for _, trade := range s.gateway.Trades() {
		if trade.PaidAt.IsZero() {
			continue
		}
		order, err := s.sound.Find(s.Context(), s.orders[trade.OutTradeNo], trade.OutTradeNo)
		if err != nil {
			s.Fatal(err)
		}
		back := s.sentBack(trade)
		switch {
		case order.State == recharge.Credited && order.Trade == trade.TradeNo:
			s.tell("trades credited")
			if back != order.Refunded {
				s.Errorf("order %s: Alipay sent %d fen back, we know of %d", order.ID, back, order.Refunded)
			}
		case back == s.fen(trade.TotalAmount):
			s.tell("trades sent back whole")
		default:
			s.Errorf("trade %s of order %s (%s) is neither credited nor sent back", trade.TradeNo, order.ID, order.State)
		}
	}
	held, pending := s.wallets()
	if taken := s.taken(); held != taken || taken == 0 || pending != 0 {
		s.Errorf("Alipay holds %d fen for us, the wallets hold %d, and %d wait to be sent back", taken, held, pending)
	}
}

// wallets is all cash, and all that is held for refunds, by the journals; one credit of an order at most.
func (s *soak) wallets() (cash, pending int64) {
	seen := map[wallet.Key]bool{}
	for i := range s.accounts {
		entries, err := s.store.Journal(s.Context(), s.account(i), 0, 10_000)
		if err != nil {
			s.Fatal(err)
		}
		for _, e := range entries {
			if seen[e.Key] {
				s.Errorf("%s is in the journals twice", e.Key)
			}
			seen[e.Key] = true
			for _, p := range e.Postings {
				for place, sign := range map[wallet.PlaceKind]int64{p.To.Kind: 1, p.From.Kind: -1} {
					switch place {
					case wallet.InCash:
						cash += sign * p.Amount.Minor()
					case wallet.AtRefund:
						pending += sign * p.Amount.Minor()
					}
				}
			}
		}
	}
	return cash, pending
}

// everyCaseIsExplained: what is kept for an operator says why in words that we know, names its trade, and that trade came to a good
// end all the same; what has a case has no other.
func (s *soak) everyCaseIsExplained() {
	s.Helper()
	kept, _, err := (&quarantine.Quarantine{Store: s.store, Now: s.clock.now}).List(s.Context(), "", 10_000)
	if err != nil {
		s.Fatal(err)
	}
	for _, m := range kept {
		s.tell("cases: " + m.Source + ", " + m.Kind)
		order := m.Attributes["out_trade_no"] + m.Attributes["recharge_id"]
		if m.Detail == "" || s.orders[order] == "" {
			s.Errorf("%+v explains nothing", m)
		}
		if known := []string{"amount", "received"}; !slices.Contains(known, m.Kind) {
			s.Errorf("order %s: %s: %s", order, m.Kind, m.Detail)
		}
	}
}

// proves has the next mornings prove the days: bill, orders, refunds and journal fit to the fen.
func (s *soak) proves() {
	s.Helper()
	theirs := int64(0)
	for _, p := range s.morning() {
		if theirs += p.Theirs.Net(); p.Balanced() {
			s.tell("days proved")
			continue
		}
		s.Errorf("%s: theirs %+v, ours %+v, %d cases", p.ID, p.Theirs, p.Ours, len(p.Cases))
		for _, id := range p.Cases {
			c, _, err := ledger.Read[proof.Case](s.Context(), s.store, ledger.DocumentKey{Kind: "proof-case", ID: id})
			s.Errorf("%+v, %v", c, err)
		}
	}
	if taken := s.taken(); theirs != taken {
		s.Errorf("the bills of all days say %d fen, Alipay has taken %d", theirs, taken)
	}
	before := len(s.morning())
	if after := s.morning(); len(after) != before+1 {
		s.Errorf("%d proofs became %d in a day", before, len(after))
	}
}

// report tells what happened.
func (s *soak) report() {
	cash, _ := s.wallets()
	var lines []string
	for _, what := range slices.Sorted(maps.Keys(s.told)) {
		lines = append(lines, fmt.Sprintf("  %5d %s", s.told[what], what))
	}
	s.Logf("%d orders, %s in the wallets\n%s", len(s.orders), money.Of(money.CNY, cash), strings.Join(lines, "\n"))
}
