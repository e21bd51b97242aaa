package demo

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/skip2/go-qrcode"

	"billingcentre/infra/demo/centre"
	"billingcentre/shared/money"
	"billingcentre/shared/wallet"
)

// The account of the second story: example S1 of the README, in CNY.
const (
	topUpAccount = "demo-cny"
	topUpAmount  = "100.00"
	topUpWait    = time.Minute
	exampleDay   = "2024-09-01"
	exampleFrom  = "2024-08-31T16:00:00Z" // when that day begins in Shanghai
)

// order is a recharge order as its customer sees it.
type order struct {
	ID        string `json:"recharge_id"`
	State     string `json:"state"`
	Amount    string `json:"amount"`
	QRContent string `json:"qr_content"`
	ExpiresAt string `json:"expires_at"`
}

// TopUp tops an account up through Alipay, and settles example S1: 4 by a regular voucher, 3 by a discount voucher, 2
// by a card, and the rest of 18.40 by cash.
func (d *Demo) TopUp(ctx context.Context) (Statement, error) {
	operator, owner, err := d.callers(topUpAccount)
	if err != nil {
		return Statement{}, err
	}
	d.Console.Say("\nA top-up through Alipay, and the README's example S1, on the account %s", topUpAccount)
	step := d.Console.Step("funds")
	defer step.Failed() // unless it is done
	if err := d.fundExample(ctx, operator, owner); err != nil {
		return Statement{}, err
	}
	step.Done("regular voucher 4.00, discount voucher 3.00, card 100.00 of which 98.00 buy a package")
	if err := d.recharge(ctx, owner); err != nil {
		return Statement{}, err
	}
	if err := d.mails(ctx, owner); err != nil {
		return Statement{}, err
	}
	return d.settle(ctx, topUpAccount, []wallet.Bill{exampleS1()})
}

func (d *Demo) fundExample(ctx context.Context, operator, owner *centre.Caller) error {
	if err := d.account(ctx, operator, topUpAccount, "演示公司", "CNY", "Asia/Shanghai"); err != nil {
		return err
	}
	if err := subscribe(ctx, owner); err != nil {
		return err
	}
	if err := voucher(ctx, operator, topUpAccount, "regular", "4.00"); err != nil {
		return err
	}
	if err := voucher(ctx, operator, topUpAccount, "discount", "3.00"); err != nil {
		return err
	}
	if err := card(ctx, operator, owner, topUpAccount, "100.00", "98.00"); err != nil {
		return err
	}
	return bind(ctx, operator, topUpAccount, "demo-cny-workspace", exampleFrom)
}

func exampleS1() wallet.Bill {
	exact := func(text string) money.Exact {
		e, err := money.ParseExact("", text, money.CNY)
		if err != nil {
			panic(err) // a constant
		}
		return e
	}
	return wallet.Bill{ID: "demo-s1", Workspace: "demo-cny-workspace", Day: exampleDay, Currency: money.CNY, Lines: []wallet.Line{
		{Product: "logs", Usage: "1340000", Unit: "log", UnitPrice: "0.00001", Amount: exact("13.40")},
		{Product: "sms", Usage: "50", Unit: "message", UnitPrice: "0.1", Amount: exact("5.00")},
	}}
}

// recharge orders a top-up, pays it the way a payer's phone would, and waits for the credit, which only the
// provider's verified notice brings (README rule 1).
func (d *Demo) recharge(ctx context.Context, owner *centre.Caller) error {
	step := d.Console.Step("top-up")
	defer step.Failed() // unless it is done
	o, err := d.order(ctx, owner)
	if err != nil {
		return err
	}
	if o.State == "credited" {
		step.Done("order %s: CNY %s were credited before, and an order is credited once", o.ID, o.Amount)
		return nil
	}
	code, err := qrcode.New(o.QRContent, qrcode.Low)
	if err != nil {
		return fmt.Errorf("draw the code: %w", err)
	}
	d.Console.Say("  order        %s: CNY %s, to be paid at %s\n%s", o.ID, o.Amount, o.QRContent, indented(code.ToSmallString(false)))
	step.Progress("paying")
	if err := pay(ctx, o.QRContent); err != nil {
		return err
	}
	step.Progress("waiting for Alipay's notice")
	if err := credited(ctx, owner, o.ID); err != nil {
		return err
	}
	step.Done("paid; Alipay's signed notice was verified and credited CNY %s", o.Amount)
	return nil
}

// order takes a recharge order: the first that is credited or can still be paid. One that an earlier run left unpaid
// until it died is followed by another.
func (d *Demo) order(ctx context.Context, owner *centre.Caller) (order, error) {
	for n := 1; ; n++ {
		var o order
		_, err := owner.Post(ctx, "/v1/accounts/"+topUpAccount+"/recharges", "demo-top-up-"+strconv.Itoa(n),
			map[string]string{"amount": topUpAmount, "channel": "alipay"}, &o)
		if err != nil {
			return order{}, err
		}
		expires, err := time.Parse(time.RFC3339, o.ExpiresAt)
		if err != nil {
			return order{}, fmt.Errorf("order %s: %w", o.ID, err)
		}
		switch dead := o.State == "closed" || !time.Now().Before(expires); {
		case o.State == "credited" || o.QRContent != "" && !dead:
			return o, nil
		case !dead:
			return order{}, fmt.Errorf("order %s has no code to pay by: it is %s", o.ID, o.State)
		}
	}
}

// pay opens the page behind the code, which is what scanning it does, and presses its button.
func pay(ctx context.Context, page string) error {
	if _, err := url.Parse(page); err != nil {
		return fmt.Errorf("the code holds no address: %w", err)
	}
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		request, err := http.NewRequestWithContext(ctx, method, page, nil)
		if err != nil {
			return err
		}
		request.Header.Set("Accept", "application/json")
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return fmt.Errorf("pay: %w", err)
		}
		_ = response.Body.Close()
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("pay: %s %s: %s", method, page, response.Status)
		}
	}
	return nil
}

func credited(ctx context.Context, owner *centre.Caller, id string) error {
	ctx, cancel := context.WithTimeout(ctx, topUpWait)
	defer cancel()
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for {
		var o order
		if err := owner.Get(ctx, "/v1/accounts/"+topUpAccount+"/recharges/"+id, &o); err != nil {
			return err
		}
		if o.State == "credited" {
			return nil
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return fmt.Errorf("order %s is still %s: %w", id, o.State, ctx.Err())
		}
	}
}

func indented(text string) string {
	return "    " + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n    ")
}
