package uuid_test

import (
	"regexp"
	"testing"

	"billingcentre/infra/local/uuid"
)

var form = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

func TestIDsAreRandomUUIDs(t *testing.T) {
	made := map[string]bool{}
	for range 1000 {
		id := uuid.New()
		if !form.MatchString(id) || made[id] {
			t.Fatalf("%q, made before: %t", id, made[id])
		}
		made[id] = true
	}
}
