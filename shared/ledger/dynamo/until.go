package dynamo

import (
	"time"

	"billingcentre/shared/ledger"
)

// forgetting is the attribute by which the table forgets documents, in seconds of Unix time. template.yaml names it, too.
// Heads and entries never bear it: what is money is kept for ever.
const forgetting = "until"

// documentItem is encodeDocument with the document's end.
func documentItem(document *ledger.Document) item {
	encoded := encodeDocument(document)
	if !document.Until.IsZero() {
		encoded[forgetting] = number(document.Until.Unix())
	}
	return encoded
}

// documentOf is decodeDocument with the document's end.
func documentOf(pk string, from item) (ledger.Document, error) {
	document, err := decodeDocument(pk, from)
	if seconds := integer(from, forgetting); seconds > 0 {
		document.Until = time.Unix(seconds, 0).UTC()
	}
	return document, err
}
