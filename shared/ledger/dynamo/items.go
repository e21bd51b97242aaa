package dynamo

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"billingcentre/shared/ledger"
	"billingcentre/shared/wallet"
)

// item is an item, or the key of one. They are built by hand: reflection would cost more than the decision.
type item = map[string]types.AttributeValue

const (
	headPrefix     = "A#"
	entryPrefix    = "E#"
	documentPrefix = "D#"
	listPrefix     = "L#"
)

// The sort keys tell people who browse the table what an item is.
var (
	headSort     = &types.AttributeValueMemberS{Value: "head"}
	entrySort    = &types.AttributeValueMemberS{Value: "entry"}
	documentSort = &types.AttributeValueMemberS{Value: "document"}
)

// forgetting is the attribute by which the table forgets documents, in seconds of Unix time. template.yaml names it, too.
// Heads and entries never bear it: what is money is kept for ever.
const forgetting = "until"

func str(value string) types.AttributeValue  { return &types.AttributeValueMemberS{Value: value} }
func blob(value []byte) types.AttributeValue { return &types.AttributeValueMemberB{Value: value} }
func number(value int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(value, 10)}
}

// text, bytesOf and integer read an attribute; one that is missing or of another type is zero.
func text(of item, name string) string {
	if value, ok := of[name].(*types.AttributeValueMemberS); ok {
		return value.Value
	}
	return ""
}

func bytesOf(of item, name string) []byte {
	if value, ok := of[name].(*types.AttributeValueMemberB); ok {
		return value.Value
	}
	return nil
}

func integer(of item, name string) int64 {
	value, ok := of[name].(*types.AttributeValueMemberN)
	if !ok {
		return 0
	}
	n, err := strconv.ParseInt(value.Value, 10, 64)
	if err != nil {
		return 0
	}
	return n
}

func headKey(account wallet.AccountID) item {
	return item{"pk": str(headPrefix + string(account)), "sk": headSort}
}

func entryKey(key wallet.Key) item {
	return item{"pk": str(entryPrefix + string(key)), "sk": entrySort}
}

// documentKey takes any id; a kind is a word of ours, and has no #.
func documentKey(key ledger.DocumentKey) item {
	return item{"pk": str(documentPrefix + key.Kind + "#" + key.ID), "sk": documentSort}
}

// rank is an entry's place in its account's journal.
func rank(number int64) string { return fmt.Sprintf("%015d", number) }

// decodeHead reads a head that must be the account's and of the version that the database checks.
func decodeHead(account wallet.AccountID, from item) (wallet.Head, error) {
	head, err := wallet.DecodeHead(bytesOf(from, "body"))
	switch {
	case err != nil:
		return wallet.Head{}, fmt.Errorf("%w: head of %s: %w", ledger.ErrDamaged, account, err)
	case head.Account != account || head.Version != integer(from, "version"):
		return wallet.Head{}, fmt.Errorf("%w: head of %s: it tells account %s, version %d", ledger.ErrDamaged, account, head.Account, head.Version)
	}
	if from["due"] != nil {
		head.Due = time.UnixMilli(integer(from, "due")).UTC()
	}
	return head, nil
}

func encodeEntry(entry *wallet.Entry, canonical []byte) (item, error) {
	encoded := entryKey(entry.Key)
	encoded["list"] = str(headPrefix + string(entry.Account))
	encoded["rank"] = str(rank(entry.Number))
	if entry.Grants() {
		encoded["grants"] = encoded["list"]
	}
	body, err := kept(canonical, kilobyte-len("body")-textSize(encoded))
	if err != nil {
		return nil, fmt.Errorf("dynamo: entry %s: %w", entry.Key, err)
	}
	encoded["body"] = blob(body)
	return encoded, nil
}

// textSize is the size of an item that holds text only, as DynamoDB counts it.
func textSize(of item) (size int) {
	for name := range of {
		size += len(name) + len(text(of, name))
	}
	return size
}

func decodeEntry(pk string, from item) (wallet.Entry, error) {
	canonical, err := read(bytesOf(from, "body"))
	if err != nil {
		return wallet.Entry{}, fmt.Errorf("%w: %s: %w", ledger.ErrDamaged, pk, err)
	}
	entry, err := wallet.DecodeEntry(canonical)
	switch {
	case err != nil:
		return wallet.Entry{}, fmt.Errorf("%w: %s: %w", ledger.ErrDamaged, pk, err)
	case pk != entryPrefix+string(entry.Key):
		return wallet.Entry{}, fmt.Errorf("%w: %s: it tells the key %s", ledger.ErrDamaged, pk, entry.Key)
	}
	return entry, nil
}

func encodeDocument(document *ledger.Document) item {
	encoded := documentKey(document.Key)
	encoded["version"] = number(document.Version + 1)
	encoded["body"] = str(string(document.Body))
	if !utf8.Valid(document.Body) { // compressed, for instance: a string must be text
		encoded["body"] = blob(document.Body)
	}
	if document.List != "" {
		encoded["list"] = str(listPrefix + document.List)
		encoded["rank"] = str(document.Rank)
	}
	if !document.Until.IsZero() {
		encoded[forgetting] = number(document.Until.Unix())
	}
	return encoded
}

func decodeDocument(pk string, from item) (ledger.Document, error) {
	kind, id, ok := strings.Cut(strings.TrimPrefix(pk, documentPrefix), "#")
	if !ok || !strings.HasPrefix(pk, documentPrefix) {
		return ledger.Document{}, fmt.Errorf("dynamo: %s isn't a document", pk)
	}
	body := bytesOf(from, "body")
	if body == nil {
		body = []byte(text(from, "body"))
	}
	document := ledger.Document{
		Key:     ledger.DocumentKey{Kind: kind, ID: id},
		Version: integer(from, "version"),
		Body:    body,
		List:    strings.TrimPrefix(text(from, "list"), listPrefix),
		Rank:    text(from, "rank"),
	}
	if seconds := integer(from, forgetting); seconds > 0 {
		document.Until = time.Unix(seconds, 0).UTC()
	}
	return document, nil
}
