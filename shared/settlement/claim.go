package settlement

import (
	"context"

	"billingcentre/shared/batch"
	"billingcentre/shared/bill"
	"billingcentre/shared/directory"
	"billingcentre/shared/refusal"
	"billingcentre/shared/wallet"
)

// claim is one bill of a batch, with all the messages that brought it: duplicates share one decision.
type claim struct {
	directory.Payment
	messages []*batch.Message
}

func (c *claim) finish(err error) {
	for _, m := range c.messages {
		m.Finish(err)
	}
}

// receives is how often the claim's most received message was.
func (c *claim) receives() int {
	most := 0
	for _, m := range c.messages {
		most = max(most, m.Receives)
	}
	return most
}

// claims reads the messages and finds who pays. Messages that fall out on the way are finished with their reason.
func (s *Settlement) claims(ctx context.Context, messages []*batch.Message) []*claim {
	read := distinct(messages)
	bills := make([]wallet.Bill, len(read))
	for i, c := range read {
		bills[i] = c.Settle.Bill
	}
	var payable []*claim
	for i, payment := range s.Directory.SettleAll(ctx, bills) {
		c := read[i]
		if c.Payment = payment; payment.Err != nil {
			c.finish(payment.Err)
			continue
		}
		if c.dropStrangers(); len(c.messages) > 0 {
			payable = append(payable, c)
		}
	}
	return payable
}

// distinct decodes messages, and brings together those that carry the very same bill. Bills of one id with other
// content stay apart: the ledger tells which was first.
func distinct(messages []*batch.Message) []*claim {
	var claims []*claim
	byID := make(map[wallet.BillID][]*claim, len(messages))
	for _, m := range messages {
		b, err := bill.Decode([]byte(m.Body))
		if err != nil {
			m.Finish(err)
			continue
		}
		settle := wallet.Settle{Bill: b}
		same := func(c *claim) bool { return c.Settle.Fingerprint() == settle.Fingerprint() }
		if c := find(byID[b.ID], same); c != nil {
			c.messages = append(c.messages, m)
			continue
		}
		c := &claim{Payment: directory.Payment{Settle: settle}, messages: []*batch.Message{m}}
		claims, byID[b.ID] = append(claims, c), append(byID[b.ID], c)
	}
	return claims
}

func find(claims []*claim, match func(*claim) bool) *claim {
	for _, c := range claims {
		if match(c) {
			return c
		}
	}
	return nil
}

// dropStrangers finishes messages whose sender says that they are somebody else's: then sender and bill contradict
// each other, and nobody's money is touched.
func (c *claim) dropStrangers() {
	own := c.messages[:0]
	for _, m := range c.messages {
		account, toldAccount := m.Attributes["account"]
		workspace, toldWorkspace := m.Attributes["workspace_id"]
		switch {
		case toldAccount && account != string(c.Account):
			m.Finish(refusal.Of(refusal.Forbidden, "The attribute account says %.64q, but the workspace's bills of that day are another account's.", account))
		case toldWorkspace && workspace != string(c.Settle.Bill.Workspace):
			m.Finish(refusal.Of(refusal.Forbidden, "The attribute workspace_id says %.128q, but the bill is another workspace's.", workspace))
		default:
			own = append(own, m)
		}
	}
	c.messages = own
}
