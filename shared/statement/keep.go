package statement

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"billingcentre/shared/ledger"
	"billingcentre/shared/refusal"
	"billingcentre/shared/wallet"
)

const (
	billKind = "monthly-bill"
	partKind = "monthly-bill-part"

	// A bill is one document where its sections are short. Rows of a longer section are in parts; both are far below the
	// 400 KB of an item, whatever the names of workspaces and products.
	inlineRows = 50
	partRows   = 200
)

// The sections of a bill.
const (
	SectionProducts   = "products"   // the month's usage by product
	SectionWorkspaces = "workspaces" // by workspace and product
	SectionAdjusted   = "adjusted"   // of older months, by month, workspace and product
	SectionFunds      = "funds"      // each fund's opening and closing balance
)

// Sections lists them.
var Sections = []string{SectionProducts, SectionWorkspaces, SectionAdjusted, SectionFunds}

// Section tells how long a section is, and the hash of its rows as one JSON array.
type Section struct {
	Name   string `json:"name"`
	Rows   int    `json:"rows"`
	Parts  int    `json:"parts,omitzero"` // 0: the rows are in the bill
	SHA256 string `json:"sha256"`
}

// part is some rows of a long section.
type part struct {
	Lines []Line     `json:"lines,omitempty"`
	Funds []FundLine `json:"funds,omitempty"`
}

// Kept is a bill as it is stored: with the hash of its canonical JSON, in which its sections' hashes are.
type Kept struct {
	SHA256 string `json:"sha256"`
	Bill   Bill   `json:"bill"`
}

// Bills are the monthly bills that were made.
type Bills struct {
	Store ledger.Store
}

func billKey(account wallet.AccountID, month Month) ledger.DocumentKey {
	return ledger.DocumentKey{Kind: billKind, ID: string(account) + "/" + string(month)}
}

func partKey(account wallet.AccountID, month Month, section string, number int) ledger.DocumentKey {
	return ledger.DocumentKey{Kind: partKind, ID: fmt.Sprintf("%s/%s/%s/%d", account, month, section, number)}
}

func billList(account wallet.AccountID) string { return "monthly-bills#" + string(account) }

// Bill is one bill. One that wasn't made is the refusal NotFound.
func (b Bills) Bill(ctx context.Context, account wallet.AccountID, month Month) (Kept, error) {
	kept, _, err := ledger.Read[Kept](ctx, b.Store, billKey(account, month))
	if refusal.Is(err, refusal.NotFound) {
		return Kept{}, refusal.Of(refusal.NotFound, "The account has no bill of %s.", month)
	}
	return kept, err
}

// List lists an account's bills, the last month first. next is the place to go on before; "" at the end.
func (b Bills) List(ctx context.Context, account wallet.AccountID, before string, limit int) (bills []Kept, next string, err error) {
	return ledger.PageOf[Kept](ctx, b.Store, billList(account), before, limit)
}

// Lines are rows of a section of consumption from an index on; at most limit of them. It reads one document, or two.
func (b Bills) Lines(ctx context.Context, k Kept, section string, from, limit int) ([]Line, error) {
	return rows(ctx, b, k, section, from, limit, k.Bill.lines(section), func(p part) []Line { return p.Lines })
}

// FundLines are rows of the funds.
func (b Bills) FundLines(ctx context.Context, k Kept, from, limit int) ([]FundLine, error) {
	return rows(ctx, b, k, SectionFunds, from, limit, k.Bill.Funds, func(p part) []FundLine { return p.Funds })
}

// rows are those of a section, from the bill itself or from its parts.
func rows[T any](ctx context.Context, b Bills, k Kept, name string, from, limit int, inline []T, of func(part) []T) ([]T, error) {
	at := slices.IndexFunc(k.Bill.Sections, func(s Section) bool { return s.Name == name })
	if at < 0 || from >= k.Bill.Sections[at].Rows {
		return nil, nil
	}
	until := min(from+limit, k.Bill.Sections[at].Rows)
	if k.Bill.Sections[at].Parts == 0 {
		return inline[from:until], nil
	}
	var keys []ledger.DocumentKey
	for number := from / partRows; number <= (until-1)/partRows; number++ {
		keys = append(keys, partKey(k.Bill.Account, k.Bill.Month, name, number))
	}
	documents, err := b.Store.Documents(ctx, keys...)
	if err != nil {
		return nil, err
	}
	var all []T
	for _, key := range keys {
		p, err := ledger.Body[part](documents[key])
		if err != nil {
			return nil, err
		}
		all = append(all, of(p)...)
	}
	skip := from - from/partRows*partRows
	return all[skip : skip+until-from], nil
}

// lines is a section's rows in the bill.
func (b *Bill) lines(section string) []Line {
	switch section {
	case SectionProducts:
		return b.Products
	case SectionWorkspaces:
		return b.Workspaces
	case SectionAdjusted:
		return b.Adjusted
	}
	return nil
}

// seal makes the documents of a complete bill: itself, and the parts of its long sections.
func (b Bill) seal() (Kept, []ledger.Document, error) {
	var parts []ledger.Document
	sections := []struct {
		name string
		rows any
		size int
		cut  func() // leaves the rows out of the bill
		part func(from, until int) part
	}{
		{SectionProducts, b.Products, len(b.Products), func() { b.Products = nil }, linesOf(b.Products)},
		{SectionWorkspaces, b.Workspaces, len(b.Workspaces), func() { b.Workspaces = nil }, linesOf(b.Workspaces)},
		{SectionAdjusted, b.Adjusted, len(b.Adjusted), func() { b.Adjusted = nil }, linesOf(b.Adjusted)},
		{SectionFunds, b.Funds, len(b.Funds), func() { b.Funds = nil }, func(from, until int) part { return part{Funds: b.Funds[from:until]} }},
	}
	for _, s := range sections {
		hash, err := hashed(s.rows)
		if err != nil {
			return Kept{}, nil, err
		}
		section := Section{Name: s.name, Rows: s.size, SHA256: hash}
		if s.size > inlineRows {
			for from := 0; from < s.size; from += partRows {
				document := ledger.Document{Key: partKey(b.Account, b.Month, s.name, section.Parts)}
				parts = append(parts, document.With(s.part(from, min(from+partRows, s.size))))
				section.Parts++
			}
		}
		b.Sections = append(b.Sections, section)
	}
	for i, s := range sections {
		if b.Sections[i].Parts > 0 {
			s.cut()
		}
	}
	hash, err := hashed(b)
	return Kept{hash, b}, parts, err
}

func linesOf(rows []Line) func(from, until int) part {
	return func(from, until int) part { return part{Lines: rows[from:until]} }
}

// hashed is the SHA-256 of a value's canonical JSON.
func hashed(value any) (string, error) {
	text, err := json.Marshal(value, json.Deterministic(true))
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), err
}

// document is the bill as it is put.
func (k Kept) document() ledger.Document {
	return ledger.Document{Key: billKey(k.Bill.Account, k.Bill.Month)}.With(k).In(billList(k.Bill.Account), string(k.Bill.Month))
}

// putParts writes parts before the bill that tells of them. One that is there already was left by a run that ended too
// early: it says the same, or, made by older code, is overwritten.
func (b Bills) putParts(ctx context.Context, parts []ledger.Document) error {
	for _, document := range parts {
		err := b.Store.Put(ctx, document)
		if errors.Is(err, ledger.ErrStale) || errors.Is(err, ledger.ErrUnknown) {
			found, readErr := b.Store.Documents(ctx, document.Key)
			if readErr != nil {
				return readErr
			}
			there, exists := found[document.Key]
			if string(there.Body) == string(document.Body) {
				continue
			}
			if !exists {
				there = document
			}
			there.Body = document.Body
			err = b.Store.Put(ctx, there)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// settled is how long after a cut its bill is made: clocks differ, and what was decided before the cut must be through.
const settled = 5 * time.Minute
