package alipay

import (
	"encoding/json"
	"time"
)

// Fate is what becomes of a call, or of the first send of a notice.
type Fate int

// The fates.
const (
	Fine           Fate = iota
	Lost                // a call never arrives; a notice is never sent at all
	AnswerLost          // calls: done, and the connection breaks before the answer
	Busy                // calls: done, and the answer is 20000, "unknown"
	Late                // notices: after half an hour
	Twice               // notices: two at once
	WrongAmount         // notices: one with another amount comes along, truly signed
	WrongSignature      // notices: one that somebody forged comes along
	Shuffled            // notices: of a payment, WAIT_BUYER_PAY and TRADE_FINISHED come along, in any order
	ClosedFirst         // notices: of a payment, TRADE_CLOSED comes along: success after close
)

var fateNames = [...]string{
	"fine", "lost", "done, answer lost", "answered 20000", "late", "twice", "beside another amount", "beside a forged one", "shuffled", "after a close",
}

func (f Fate) String() string { return fateNames[f] }

// Fates are all that can go wrong with calls, and with notices.
var (
	CallFates   = []Fate{Lost, AnswerLost, Busy}
	NoticeFates = []Fate{Lost, Late, Twice, WrongAmount, WrongSignature, Shuffled, ClosedFirst}
)

// Spoil is the switchboard: it tells the fate of a call (what is its method) or of a notice (what is "notice").
type Spoil func(what, outTradeNo string) Fate

const late = 30 * time.Minute

func (g *Gateway) spoil(what, outTradeNo string) Fate {
	if fate := g.plan.next(what); fate != Fine || g.options.Spoil == nil {
		return fate
	}
	return g.options.Spoil(what, outTradeNo)
}

// wrong are the forms that are sent along with a notice.
func (g *Gateway) wrong(fate Fate, t Trade, n Notice, now time.Time) (forms []string) {
	fields := g.credentials.NoticeFields(t, n, now)
	signer, payment := g.credentials, n.Status == success && n.RefundNo == ""
	var statuses []string
	switch fate {
	case Shuffled:
		statuses = []string{finished, waiting}
	case ClosedFirst:
		statuses = []string{closed}
	case Twice:
	case WrongAmount:
		fields["total_amount"], fields["receipt_amount"] = "0.01", "0.01"
		if yuan(t.TotalAmount) == "0.01" {
			fields["total_amount"] = "0.02"
		}
	case WrongSignature:
		signer.Alipay = g.credentials.App // whoever has the app's key isn't Alipay
	default:
		return nil
	}
	if len(statuses) > 0 && payment {
		return g.others(statuses, t, n, now)
	}
	if form, err := signer.SignNotice(fields); err == nil {
		forms = append(forms, form)
	}
	return forms
}

// others are truly signed notices of the trade in other states.
func (g *Gateway) others(statuses []string, t Trade, n Notice, now time.Time) (forms []string) {
	for _, status := range statuses {
		other := t
		if n.Status = status; status != finished {
			other.PaidAt = time.Time{}
		}
		fields := g.credentials.NoticeFields(other, n, now)
		fields["notify_id"] = now.In(gmt8).Format("20060102") + digits(24)
		if form, err := g.credentials.SignNotice(fields); err == nil {
			forms = append(forms, form)
		}
	}
	return forms
}

func orderNamed(biz string) string {
	var ref tradeRef
	_ = json.Unmarshal([]byte(biz), &ref) // what can't be read names nothing
	return ref.OutTradeNo
}
