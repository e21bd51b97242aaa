package charge

import (
	"crypto/sha256"
	"encoding/base32"
	"strings"
	"time"

	"billingcentre/shared/ledger"
	"billingcentre/shared/metering"
	"billingcentre/shared/money"
	"billingcentre/shared/wallet"
)

// RecordState is where a record stands.
type RecordState string

// The states. Gathering, sent and releasing ones are the schedule's to go on with; a case is an operator's.
const (
	RecordGathering  RecordState = "gathering" // charges are being put in; nobody outside knows of it
	RecordSent       RecordState = "sent"      // whole, written down, and sent until there is an answer
	RecordAccepted   RecordState = "accepted"
	RecordCase       RecordState = "case"
	RecordReleasing  RecordState = "releasing"   // an operator has its charges sent again: they become pending
	RecordReleased   RecordState = "released"    // they are
	RecordWrittenOff RecordState = "written_off" // an operator gave up on it, with a reason
)

// Why is why a record is a case.
type Why string

// The reasons of cases.
const (
	WasRejected   Why = "rejected"
	NotSubscribed Why = "not_subscribed"
	IsDuplicate   Why = "duplicate"      // the cloud has another quantity for the hour, which isn't ours
	TooLate       Why = "too_late"       // no answer while the cloud took it
	Unanswered    Why = "unknown"        // no answer, and the cloud can't be asked the same again
	NotConfigured Why = "not_configured" // no marketplace is configured for the cloud, or no dimension for the currency
	TooLarge      Why = "too_large"      // for one record
)

// Record is what a cloud is told about one customer once, as its document keeps it.
type Record struct {
	ID        string           `json:"record_id"`
	Cloud     cloud            `json:"cloud"`
	License   string           `json:"license_arn,omitempty"`
	Dimension string           `json:"dimension,omitempty"`
	Currency  money.Currency   `json:"currency"`
	Minor     int64            `json:"minor"` // the sum of its charges: the quantity
	Charges   int              `json:"charges"`
	Account   wallet.AccountID `json:"account_id"` // of its first charge
	At        time.Time        `json:"at"`         // of the usage, as the cloud is told; never changes
	State     RecordState      `json:"state"`
	Doubtful  bool             `json:"doubtful,omitzero"` // a call may have counted it, for all that is known
	Tries     int              `json:"tries,omitzero"`
	DueAt     time.Time        `json:"due_at"`              // when to go on with it
	Code      string           `json:"code,omitempty"`      // the cloud's last word
	Detail    string           `json:"detail,omitempty"`    // the same, for people
	Reference string           `json:"reference,omitempty"` // the cloud's id of it
	SentAt    time.Time        `json:"sent_at,omitzero"`    // the first time
	EndedAt   time.Time        `json:"ended_at,omitzero"`   // accepted, or a case

	Why         Why       `json:"why,omitempty"`           // it is, or was, a case
	Reversed    int       `json:"reversed,omitzero"`       // of its charges, since it is a case
	VoidMinor   int64     `json:"reversed_minor,omitzero"` // and their sum
	Moved       int       `json:"moved,omitzero"`          // of its charges, back to the pending ones
	Reason      string    `json:"reason,omitempty"`        // the operator's
	Actor       string    `json:"actor,omitempty"`
	ConcludedAt time.Time `json:"concluded_at,omitzero"` // by the operator
}

// cloud is who pays.
type cloud = wallet.CloudAccount

// Amount is the sum of its charges.
func (r Record) Amount() money.Amount { return money.Of(r.Currency, r.Minor) }

// RecordKey is the document of a record.
func RecordKey(id string) ledger.DocumentKey {
	return ledger.DocumentKey{Kind: "cloud-record", ID: id}
}

const openRecords = "cloud-records#open"

// recordList is the list of the charges in a record.
func recordList(id string) string { return "cloud-record#" + id }

// RecordLists are the lists of records that people look at: open are those that the schedule goes on with.
var RecordLists = []string{"open", "case", "accepted", "released", "written_off"}

// document is the record in its document: listed by when it is due while it is open, and then by when it ended.
func (r Record) document(d ledger.Document) ledger.Document {
	switch r.State {
	case RecordGathering, RecordSent, RecordReleasing:
		return d.With(r).In(openRecords, ledger.SoonestFirst(r.DueAt, r.ID))
	}
	return d.With(r).In("cloud-records#"+string(r.State), r.rank())
}

// rank is the record's place in the list that it is in.
func (r Record) rank() string {
	switch r.State {
	case RecordGathering, RecordSent, RecordReleasing:
		return ledger.SoonestFirst(r.DueAt, r.ID)
	}
	return r.EndedAt.UTC().Format("20060102T150405.000Z") + r.ID
}

// metering is the record as a cloud is told it. It is made from the document alone, so that telling it again is telling
// the same.
func (r Record) metering() metering.Record {
	return metering.Record{ID: r.ID, Customer: r.Cloud.Customer, License: r.License, Dimension: r.Dimension, Quantity: r.Minor, At: r.At}
}

// without is a case less a charge whose bill was reversed. A case that has no other left is over.
func (r Record) without(minor int64) Record {
	r.Reversed, r.VoidMinor = r.Reversed+1, r.VoidMinor+minor
	if r.Reversed == r.Charges {
		r.State, r.Reason = RecordReleased, "all its bills were reversed"
	}
	return r
}

var idAlphabet = base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").WithPadding(base32.NoPadding)

// idOf names a record after what it is about: the one record of a customer, dimension and hour is the one document of
// its name, whoever writes it.
func idOf(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return "M" + idAlphabet.EncodeToString(sum[:20])
}

// hourOf is the hour that clouds count a record under.
func hourOf(at time.Time) string { return at.UTC().Format("2006-01-02T15") }
