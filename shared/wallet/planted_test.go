package wallet

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// bug is a command that is decided wrongly. It decides inside of Decide, so that entry, balances and hashes agree with
// what it did: only a check of the rule itself can find it.
type bug struct {
	Command
	wrong func(d *draft, c Command) error
}

func (b bug) decide(d *draft) error { return b.wrong(d, b.Command) }

// inside plants a bug into Decide.
func inside(wrong func(d *draft, c Command) error) decider {
	return func(h Head, c Command, p Policy, now time.Time) (Change, error) {
		if _, opens := c.(Open); opens {
			return Decide(h, c, p, now)
		}
		return Decide(h, bug{c, wrong}, p, now)
	}
}

// misreading plants another policy than the one that is in force.
func misreading(change func(p *Policy)) decider {
	return func(h Head, c Command, p Policy, now time.Time) (Change, error) {
		change(&p)
		return Decide(h, c, p, now)
	}
}

// after plants what happens to a draft once a command has been decided rightly.
func after(wrong func(d *draft, c Command)) decider {
	return inside(func(d *draft, c Command) error {
		err := c.decide(d)
		if err == nil {
			wrong(d, c)
		}
		return err
	})
}

// settling plants a change of the bill before it is settled.
func settling(change func(d *draft, s Settle) Settle) decider {
	return inside(func(d *draft, c Command) error {
		if s, ok := c.(Settle); ok {
			return change(d, s).decide(d)
		}
		return c.decide(d)
	})
}

// TestPlantedBugsAreFound proves the checks of TestRandomSequences: each bug must be found, by the check that its name
// says, within a fixed number of sequences.
func TestPlantedBugsAreFound(t *testing.T) {
	for name, planted := range plantedBugs {
		bug, finder, _ := strings.Cut(name, " | ")
		t.Run(bug+" is found by "+finder, func(t *testing.T) {
			if why := find(planted, finder); why != "" {
				t.Log(why)
				return
			}
			t.Error("not found")
		})
	}
}

// find runs sequences until one violates what the finder checks.
func find(planted decider, finder string) string {
	sequence := rapid.Custom(func(t *rapid.T) findings { return newWorld(t, planted).run() })
	for seed := range 3000 {
		for _, finding := range sequence.Example(seed) {
			if strings.HasPrefix(finding, finder+": ") {
				return finding
			}
		}
	}
	return ""
}

func TestNoBugIsFoundWhereNoneIs(t *testing.T) {
	sequence := rapid.Custom(func(t *rapid.T) findings {
		return newWorld(t, inside(func(d *draft, c Command) error { return c.decide(d) })).run()
	})
	for seed := range 300 {
		if found := sequence.Example(seed); len(found) > 0 {
			t.Fatalf("seed %d: %v", seed, found)
		}
	}
}

// plantedBugs are named "bug | check that finds it".
var plantedBugs = map[string]decider{
	// Time (rules 19, 23, 24).
	"the grace is ignored | oracle":                        misreading(func(p *Policy) { p.Grace = 0 }),
	"the grace is a millisecond too long | oracle":         misreading(func(p *Policy) { p.Grace += time.Millisecond }),
	"the grace is a millisecond too long | spent in time":  misreading(func(p *Policy) { p.Grace += time.Millisecond }),
	"the grace is a millisecond too short | oracle":        misreading(func(p *Policy) { p.Grace -= time.Millisecond }),
	"breakage is booked at the expiry | spent in time":     inside(expireAtExpiry),
	"the day's end is a millisecond late | oracle":         settling(shiftDayEnd(time.Millisecond)),
	"the day's end is a millisecond early | spent in time": settling(shiftDayEnd(-time.Millisecond)),
	"an order takes the grace | spent in time":             inside(orderInGrace),
	"time runs back | time":                                after(func(d *draft, _ Command) { d.entry.Time = d.entry.Time.Add(-time.Second) }),
	"what a reversal restores doesn't lapse | oracle":      misreading(func(p *Policy) { p.LapseRestored = false }),

	// Cash and arrears (rules 3, 12, 17).
	"an inflow skips arrears | panic":                 inside(skipArrears),
	"cash is kept while a bill is owed | panic":       inside(keepCash),
	"an allocated card repays nothing | oracle":       inside(repayNothing),
	"a voucher repays arrears | postings":             after(voucherRepays),
	"a reversal's arrears are forgiven twice | panic": after(forgiveTwice),

	// The burn-down (rules 15, 16, 20).
	"vouchers pay restricted lines | oracle":                misreading(func(p *Policy) { p.Restricted = nil }),
	"cards pay before vouchers | oracle":                    inside(cardsFirst),
	"a later lot pays first | oracle":                       after(laterLotPays),
	"restricted lines are settled first | explained":        after(func(d *draft, c Command) { reverseClasses(d) }),
	"the order of lines is kept as listed | permuted lists": after(keepListing),
	"under cloud, cash pays | oracle":                       settling(func(_ *draft, s Settle) Settle { s.Method = BillingCenter; return s }),
	"a least bill is ignored | oracle":                      inside(ignoreLeastBill),
	"a cent is paid twice | explained":                      after(payTwice),

	// Exact costs (rules M2, 21).
	"rounds down instead of half up | oracle":              inside(roundDown),
	"a fen is lost in rounding | decimals":                 after(loseAFen),
	"what is carried is dropped | replay":                  after(dropCarried),
	"a class without lines loses what it carries | replay": after(settleAbsentClass),
	"a reversal leaves what is carried | replay":           after(reversalKeepsCarried),
	"credits have no floor | oracle":                       misreading(func(p *Policy) { p.CreditFloor = 1 << 50 }),

	// Grants (rules 6, 8, 10).
	"gifts are added up | oracle":               misreading(func(p *Policy) { p.Gifts = []Gift{{10_000, 1_000}, {30_000, 6_000}, {100_000, 26_000}} }),
	"a gift needs more than its tier | oracle":  misreading(func(p *Policy) { p.Gifts = []Gift{{10_001, 1_000}, {30_001, 5_000}, {100_001, 20_000}} }),
	"a card of any value is sold | oracle":      misreading(func(p *Policy) { p.CardStep = 1 }),
	"one lot too many is held | oracle":         misreading(func(p *Policy) { p.MaxLots++ }),
	"a debit overdraws | oracle":                inside(overdraw),
	"the last cent can't be spent | oracle":     inside(keepACent),
	"a reversal gives back twice | lots' lives": after(giveBackTwice),
	"a reversal gives back twice | panic":       after(giveBackTwice),

	// Records.
	"a number is skipped | chain":                           after(func(d *draft, _ Command) { d.entry.Number++ }),
	"the chain is cut | chain":                              after(func(d *draft, _ Command) { d.entry.Previous = Hash{} }),
	"a posting isn't written | postings":                    after(forgetPosting),
	"a posting isn't written | replay":                      after(forgetPosting),
	"the explanation forgets a fund | explained":            after(forgetDraw),
	"a refusal changes the head | untouched":                spoilOnRefusal,
	"the head that was given is used | untouched":           spoilAlways,
	"an answer depends on more than what was asked | again": forgetful(),
}
