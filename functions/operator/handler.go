package main

import (
	"context"
	"strings"
	"time"

	"billingcentre/shared/api"
	"billingcentre/shared/charge"
	"billingcentre/shared/ledger"
	"billingcentre/shared/money"
	"billingcentre/shared/proof"
	"billingcentre/shared/quarantine"
	"billingcentre/shared/receipt"
	"billingcentre/shared/refusal"
	"billingcentre/shared/voucher"
	"billingcentre/shared/wallet"
)

type handler struct {
	ledger     *ledger.Ledger
	vouchers   *voucher.Desk
	quarantine *quarantine.Quarantine
	replays    map[string]sender // where kept messages are sent again, by their sources
	proofs     *proof.Book
	charges    *charge.Desk
	cursors    api.Cursors
}

func (h handler) routes() []api.Route {
	return []api.Route{
		{Key: "POST /v1/operator/voucher-batches", Handle: h.issueBatch},
		{Key: "GET /v1/operator/voucher-batches", Handle: h.listBatches},
		{Key: "GET /v1/operator/voucher-batches/{batch}", Handle: h.getBatch},
		{Key: "POST /v1/operator/accounts/{account}/vouchers", Handle: h.activate},
		{Key: "POST /v1/operator/accounts/{account}/cards", Handle: h.allocate},
		{Key: "POST /v1/operator/accounts/{account}/adjustments", Handle: h.adjust},
		{Key: "POST /v1/operator/bills/{bill}/reversal", Handle: h.reverse},
		{Key: "GET /v1/operator/reversal-cases", Handle: h.listReversalCases},
		{Key: "POST /v1/operator/reversal-cases/{case}/closure", Handle: h.closeReversalCase},
		{Key: "PUT /v1/operator/partners/{partner}/quota", Handle: h.setQuota},
		{Key: "GET /v1/operator/audit", Handle: h.listFindings},
		{Key: "GET /v1/operator/proofs", Handle: h.listProofs},
		{Key: "GET /v1/operator/proofs/{proof}", Handle: h.getProof},
		{Key: "GET /v1/operator/proof-cases", Handle: h.listCases},
		{Key: "POST /v1/operator/proof-cases/{case}/closure", Handle: h.closeCase},
		{Key: "GET /v1/operator/cloud-charges", Handle: h.listPendingCharges},
		{Key: "GET /v1/operator/cloud-records", Handle: h.listRecords},
		{Key: "GET /v1/operator/cloud-records/{record}", Handle: h.getRecord},
		{Key: "GET /v1/operator/cloud-records/{record}/charges", Handle: h.listRecordCharges},
		{Key: "POST /v1/operator/cloud-records/{record}/retry", Handle: h.retryRecord},
		{Key: "POST /v1/operator/cloud-records/{record}/closure", Handle: h.closeRecord},
		{Key: "PUT /v1/operator/cloud-customers/{provider}/{customer}", Handle: h.setCustomer},
		{Key: "GET /v1/operator/quarantine", Handle: h.listQuarantine},
		{Key: "GET /v1/operator/quarantine/{message}", Handle: h.getQuarantined},
		{Key: "POST /v1/operator/quarantine/{message}/replay", Handle: h.replay},
	}
}

// wish is what every request that moves an account's money has besides its body.
type wish struct {
	account  wallet.AccountID
	once     string
	currency money.Currency
}

// wish reads such a request of one of these roles, and its body.
func (h handler) wish(ctx context.Context, r *api.Request, body any, roles ...api.Role) (wish, error) {
	if err := r.Caller.MustBe(roles...); err != nil {
		return wish{}, err
	}
	account := wallet.AccountID(r.Path("account"))
	if !api.ValidAccount(string(account)) {
		return wish{}, refusal.Of(refusal.NotFound, "There is no such account.")
	}
	once, err := once(r)
	if err != nil {
		return wish{}, err
	}
	if err := r.Decode(body); err != nil {
		return wish{}, err
	}
	head, err := h.ledger.Open(ctx, account)
	return wish{account, once, head.Currency}, err
}

// once is the client's key, apart from all keys that customers and other partners choose: they can't contain commas.
func once(r *api.Request) (string, error) {
	key, err := r.IdempotencyKey()
	if err != nil {
		return "", err
	}
	if r.Caller.Role == api.Partner {
		return strings.Join([]string{"partner", r.Caller.Partner, key}, ","), nil
	}
	return "operator," + key, nil
}

// done answers with the receipt of what was done.
func done(done ledger.Receipt, err error) (api.Response, error) {
	if err != nil {
		return api.Response{}, err
	}
	return api.Done(receipt.Of(done.Entry), done.Repeated)
}

const (
	maxValidDays = 3_650
	maxAhead     = maxValidDays * 24 * time.Hour // of an instant that a request names
)

// validity reads how long a fund is valid: for some days, or until an instant, or as the policy says.
func (h handler) validity(check *api.Check, days *int, until string) (validDays int, expires time.Time) {
	check.That(days == nil || until == "", "/expires_at", "must not be given together with valid_days")
	return validDaysOf(check, days), h.ahead(check, "/expires_at", until)
}

func validDaysOf(check *api.Check, days *int) int {
	if days == nil {
		return 0
	}
	check.That(*days >= 1 && *days <= maxValidDays, "/valid_days", "must be a whole number from 1 to 3650")
	return *days
}

// ahead reads an instant that isn't further ahead than anything is valid.
func (h handler) ahead(check *api.Check, pointer, text string) time.Time {
	at := check.Instant(pointer, text)
	check.That(at.Sub(h.ledger.Now()) <= maxAhead, pointer, "must be at most ten years ahead")
	return at
}

// voucherKind reads the kind of a voucher and the least bill that it pays for.
func voucherKind(check *api.Check, kind, minBill string, currency money.Currency) (wallet.LotKind, money.Amount) {
	least := money.Zero(currency)
	if minBill != "" {
		least = check.Amount("/min_bill_amount", minBill, currency)
	}
	switch kind {
	case wallet.Regular.String():
		check.That(minBill == "", "/min_bill_amount", "is for discount vouchers only")
		return wallet.Regular, least
	case wallet.Discount.String():
		return wallet.Discount, least
	}
	check.That(false, "/kind", `must be "regular" or "discount"`)
	return wallet.Regular, least
}

// faceValue reads a fund's worth.
func faceValue(check *api.Check, text string, currency money.Currency) money.Amount {
	face, err := money.Parse("/face_value", text, currency)
	check.Note(err)
	check.That(err != nil || face.IsPositive(), "/face_value", "must be above 0")
	return face
}
