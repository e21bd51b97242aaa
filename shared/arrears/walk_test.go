package arrears

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"billingcentre/shared/ledger"
	"billingcentre/shared/money"
)

// oracle is rule 26 in as few words as possible, on sums alone, of an account that is looked at after every event.
type oracle struct {
	state           State
	owed            int64
	ends            time.Time
	reminded        bool
	number, counted int
	told            []string
}

func (o *oracle) owe(amount int64) {
	if o.owed == 0 {
		o.state = Owing
		o.number++
	}
	o.owed += amount
}

func (o *oracle) pay(amount int64) {
	if o.owed == 0 {
		return
	}
	if o.owed -= min(amount, o.owed); o.owed == 0 {
		if o.state == Locked {
			o.tell("unlocked")
		}
		o.state = Clear
	}
}

func (o *oracle) month(month int, now time.Time) {
	if o.owed == 0 || month <= o.counted {
		return
	}
	if o.counted = month; o.state == Owing {
		o.state, o.ends, o.reminded = Counting, now.AddDate(0, 0, 14), false
		o.tell("arrears_countdown")
	}
}

func (o *oracle) look(now time.Time) {
	if o.state != Counting {
		return
	}
	switch {
	case !now.Before(o.ends):
		o.state = Locked
		o.tell("locked")
	case !o.reminded && !now.Before(o.ends.AddDate(0, 0, -3)):
		o.reminded = true
		o.tell("arrears_reminder")
	}
}

func (o *oracle) tell(kind string) {
	o.told = append(o.told, fmt.Sprintf("%s %d: %d", kind, o.number, o.owed))
}

// Random lives of an account, step by step beside the oracle: bills, payments in part and in full, monthly bills, waits. Writes fail,
// their answers get lost, runs overtake each other, lists lag. ARREARS_SEED=n repeats one; ARREARS_LIVES=n lives more.
func TestRandomLives(t *testing.T) {
	lives, first := 30, uint64(1)
	if text := os.Getenv("ARREARS_LIVES"); text != "" {
		lives, _ = strconv.Atoi(text)
	}
	if text := os.Getenv("ARREARS_SEED"); text != "" {
		first, _ = strconv.ParseUint(text, 10, 64)
		lives = 1
	}
	for seed := first; seed < first+uint64(lives) && !t.Failed(); seed++ {
		live(t, seed)
	}
}

func live(t *testing.T, seed uint64) {
	dice := rand.New(rand.NewPCG(seed, 26))
	l, o := newLab(t), &oracle{state: Clear}
	l.now = fourth
	month := 0
	for step := range 40 {
		var did string
		amount := int64(1 + dice.IntN(500))
		switch dice.IntN(7) {
		case 0, 1:
			did = fmt.Sprint("owe ", amount)
			cash, err := l.store.Head(t.Context(), "acme")
			l.must(err)
			l.owe(money.Of(money.CNY, amount+cash.Cash.Minor()).String(), "0") // all of the cash, and as much again
			o.owe(amount)
		case 2:
			did = fmt.Sprint("pay ", amount)
			l.pay(money.Of(money.CNY, amount).String())
			o.pay(amount)
		case 3:
			did = "pay all"
			if o.owed > 0 {
				l.pay(money.Of(money.CNY, o.owed).String())
				o.pay(o.owed)
			}
		case 4:
			month++
			did = fmt.Sprint("monthly bill ", month)
			l.month(fmt.Sprintf("%04d-01", month))
			o.month(month, l.now)
		default:
			wait := time.Duration(dice.IntN(9*24)) * time.Hour
			did = fmt.Sprint("wait ", wait)
			l.now = l.now.Add(wait)
		}
		l.trouble(dice)
		looks := []func(){l.run, l.patrol}
		dice.Shuffle(len(looks), func(i, j int) { looks[i], looks[j] = looks[j], looks[i] })
		for _, look := range append(looks, looks...) {
			look()
		}
		o.look(l.now)
		if err := l.agrees(o); err != nil {
			t.Errorf("seed %d, step %d, %s: %v", seed, step, did, err)
			return
		}
	}
}

// trouble is a run that meets a fault: whatever it did and didn't do, later ones make good.
func (l *lab) trouble(dice *rand.Rand) {
	switch dice.IntN(7) {
	case 0:
		l.store.fail = ledger.ErrUnknown
	case 1:
		l.store.refuse = ledger.ErrUnknown
	case 2:
		l.store.refuse = ledger.ErrThrottled
	case 3:
		l.store.refuse = errors.New("the sandbox dies")
	case 4:
		l.store.before = func() {
			_, err := l.keeper.Run(l.Context())
			l.must(err)
		}
	case 5:
		head, err := l.store.Head(l.Context(), "acme")
		l.must(err)
		l.store.hidden = head.Version // its last entry isn't listed yet
	default:
		return
	}
	if _, err := l.keeper.Run(l.Context()); err == nil {
		_, _ = l.keeper.Patrol(l.Context()) // what it is told doesn't matter
	}
	l.store.before, l.store.fail, l.store.refuse, l.store.hidden = nil, nil, nil, 0
}

// agrees compares the account's standing and all that was told with the oracle's.
func (l *lab) agrees(o *oracle) error {
	s, err := Of(l.Context(), l.store, "acme")
	if err != nil {
		return err
	}
	var told []string
	for _, n := range l.store.told {
		owed, err := money.Parse("", n.Arrears.Owed, money.CNY)
		if err != nil {
			return err
		}
		told = append(told, fmt.Sprintf("%s %d: %d", n.Kind, n.Arrears.Case, owed.Minor()))
	}
	switch {
	case s.State != o.state:
		return fmt.Errorf("it is %s, want %s", s.State, o.state)
	case s.Cases != o.number:
		return fmt.Errorf("%d cases, want %d", s.Cases, o.number)
	case !slices.Equal(told, o.told):
		return fmt.Errorf("told %q, want %q", told, o.told)
	case s.Case == nil && o.owed > 0:
		return errors.New("it has no case")
	case s.Case == nil:
		return nil
	}
	sum := s.Case.Later.Owed - s.Case.Later.Repaid
	for _, b := range s.Case.Bills {
		sum += b.Owed - b.Repaid
	}
	if s.Case.Owed != o.owed || sum != o.owed {
		return fmt.Errorf("%d is owed, %d of bills, want %d", s.Case.Owed, sum, o.owed)
	}
	return nil
}
