package wallet

import "testing"

func TestAPolicyThatCannotBeFollowedIsToldSo(t *testing.T) {
	sound := DefaultPolicy()
	if err := sound.Check(); err != nil {
		t.Errorf("the README's policy: %v", err)
	}
	for what, spoil := range map[string]func(*Policy){
		"a negative grace":                func(p *Policy) { p.Grace = -1 },
		"a negative notice":               func(p *Policy) { p.ExpiryNotice = -1 },
		"cards of no step":                func(p *Policy) { p.CardStep = 0 },
		"no months of validity":           func(p *Policy) { p.VoucherMonths = 0 },
		"no lot at all":                   func(p *Policy) { p.MaxLots = 0 },
		"a countdown backwards":           func(p *Policy) { p.CountdownDays = -1 },
		"a reminder before the countdown": func(p *Policy) { p.ReminderDays = p.CountdownDays + 1 },
		"a floor above zero":              func(p *Policy) { p.CreditFloor = -1 },
		"a gift of nothing":               func(p *Policy) { p.Gifts = []Gift{{From: 100, Gift: 0}} },
		"a gift for nothing":              func(p *Policy) { p.Gifts = []Gift{{From: 0, Gift: 100}} },
	} {
		p := DefaultPolicy()
		spoil(&p)
		if p.Check() == nil {
			t.Errorf("%s passed", what)
		}
	}
}
