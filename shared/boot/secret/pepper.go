package secret

import (
	"crypto/hmac"
	"crypto/sha256"

	"billingcentre/shared/api"
)

// Pepper is the secret from which the centre's keys are derived: one for each purpose, so that none tells another.
type Pepper string

// Key is the key for a purpose.
func (p Pepper) Key(purpose string) []byte {
	mac := hmac.New(sha256.New, []byte(p))
	mac.Write([]byte(purpose))
	return mac.Sum(nil)
}

// Cursors signs the positions in lists.
func (p Pepper) Cursors() api.Cursors { return api.Cursors{Key: p.Key("cursors")} }
