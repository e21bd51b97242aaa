package money_test

import (
	"fmt"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"billingcentre/shared/money"
)

// costs are what bills have: most below half a cent, some large, some credits, up to eighteen decimals.
func costs() *rapid.Generator[[]string] {
	one := rapid.Custom(func(t *rapid.T) string {
		whole := rapid.OneOf(
			rapid.Just(int64(0)), rapid.Int64Range(0, 1), rapid.Int64Range(0, 100), rapid.Int64Range(0, 1<<40), rapid.Int64Range(0, 999_999_999_999_999),
		).Draw(t, "whole")
		text := fmt.Sprint(whole)
		if places := rapid.IntRange(0, 18).Draw(t, "places"); places > 0 {
			fraction := rapid.Int64Range(0, 999_999_999_999_999_999).Draw(t, "fraction")
			text += "." + fmt.Sprintf("%018d", fraction)[18-places:]
		}
		if rapid.IntRange(0, 9).Draw(t, "sign") == 0 {
			text = "-" + text
		}
		return text
	})
	return rapid.SliceOfN(one, 1, 30)
}

// carrying settles costs one after the other, as a wallet does, with a way to round; it tells what is wrong with it.
func carrying(costs []string, payable func(money.Exact) (money.Amount, bool)) string {
	carried := money.ZeroExact(money.CNY)
	sum, paid := new(big.Rat), new(big.Rat)
	for _, text := range costs {
		cost, err := money.ParseExact("", text, money.CNY)
		if err != nil {
			return err.Error()
		}
		due := cost.Add(carried)
		pays, ok := payable(due)
		if !ok || pays.IsNegative() {
			return fmt.Sprintf("%s: payable is %s (%t)", due, pays, ok)
		}
		carried = due.Sub(pays.Exact())
		sum.Add(sum, rat(text))
		paid.Add(paid, new(big.Rat).SetFrac64(pays.Minor(), 100))
		if got := new(big.Rat).Add(paid, rat(carried.String())); got.Cmp(sum) != 0 {
			return fmt.Sprintf("after %s: payables and what is carried are %s, the costs %s", text, got.RatString(), sum.RatString())
		}
		rest := rat(carried.String())
		half := big.NewRat(1, 200)
		if rest.Cmp(half) >= 0 || pays.IsPositive() && rest.Cmp(new(big.Rat).Neg(half)) < 0 {
			return fmt.Sprintf("after %s: %s is carried, which rounds to something payable", text, carried)
		}
	}
	return ""
}

func rat(text string) *big.Rat {
	r, ok := new(big.Rat).SetString(text)
	if !ok {
		panic(text)
	}
	return r
}

// The rule's equation, to the last decimal, after every bill: sum of payables + carried = sum of exact costs.
func TestRuleM2_NothingIsLostInRounding(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		if wrong := carrying(costs().Draw(t, "costs"), money.Exact.Payable); wrong != "" {
			t.Fatal(wrong)
		}
	})
}

// Planted bugs prove the property: each must be found by it.
func TestPlantedBugsOfRoundingAreFound(t *testing.T) {
	fen := money.Of(money.CNY, 1)
	for name, payable := range map[string]func(money.Exact) (money.Amount, bool){
		"rounds down": func(e money.Exact) (money.Amount, bool) {
			a, ok := e.Payable()
			if a.Exact().Cmp(e) > 0 {
				a = a.Sub(fen)
			}
			return a, ok
		},
		"rounds up": func(e money.Exact) (money.Amount, bool) {
			a, ok := e.Payable()
			if a.Exact().Cmp(e) < 0 && e.Sign() > 0 {
				a = a.Add(fen)
			}
			return a, ok
		},
		"pays credits out": func(e money.Exact) (money.Amount, bool) {
			if e.Sign() < 0 {
				return fen.Sub(fen).Sub(fen), true
			}
			return e.Payable()
		},
		"goes through a float": func(e money.Exact) (money.Amount, bool) {
			var f float64
			if _, err := fmt.Sscan(e.String(), &f); err != nil || f < 0 {
				return money.Zero(money.CNY), err == nil
			}
			return money.Of(money.CNY, int64(f*100+0.5)), true
		},
	} {
		t.Run(name, func(t *testing.T) {
			for seed := range 500 {
				if wrong := carrying(costs().Example(seed), payable); wrong != "" {
					t.Logf("found with seed %d: %s", seed, wrong)
					return
				}
			}
			t.Error("not found")
		})
	}
}

// What is written is what was read, and reading it again gives the same.
func TestAmountsAndCostsSurviveText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := money.Of(money.CNY, rapid.Int64Range(0, 99_999_999_999).Draw(t, "minor"))
		if again, err := money.Parse("", a.String(), money.CNY); err != nil || again != a {
			t.Fatalf("%v was read as %v, %v", a, again, err)
		}
		for _, text := range costs().Draw(t, "costs") {
			e, err := money.ParseExact("", text, money.CNY)
			if err != nil {
				t.Fatal(err)
			}
			again, err := money.ReadExact(e.String(), money.CNY)
			if err != nil || again.String() != e.String() || rat(e.String()).Cmp(rat(text)) != 0 {
				t.Fatalf("%s was read as %s, and then as %s, %v", text, e, again, err)
			}
		}
	})
}

// Share never rounds anywhere but down, whatever the sizes.
func TestShareAgainstRationals(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		two := rapid.SliceOfN(costs(), 2, 2).Draw(t, "part and whole")
		part, whole := two[0][0], two[1][0]
		payable := rapid.Int64Range(0, money.Limit).Draw(t, "payable")
		p, _ := money.ParseExact("", part, money.CNY)
		w, _ := money.ParseExact("", whole, money.CNY)
		got, ok := money.Share(p, w, money.Of(money.CNY, payable))
		if rat(whole).Sign() == 0 {
			if ok {
				t.Fatalf("there is a share of nothing: %v", got)
			}
			return
		}
		r := new(big.Rat).Mul(rat(part), new(big.Rat).SetInt64(payable))
		r.Quo(r, rat(whole))
		want := new(big.Int).Div(r.Num(), r.Denom())
		fits := want.IsInt64() && want.CmpAbs(big.NewInt(money.Limit)) <= 0
		if ok != fits || ok && got.Minor() != want.Int64() {
			t.Fatalf("share of %s in %s of %d is %v (%t), want %s", part, whole, payable, got, ok, want)
		}
	})
}

// isDigits is the plain reading of the rule, for the fuzz targets' oracle.
func isDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}
