package contract

import "testing"

func TestTheDocumentIsValid(t *testing.T) {
	if _, err := Document(); err != nil {
		t.Fatal(err)
	}
}
