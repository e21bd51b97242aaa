package main

import (
	"testing"

	"billingcentre/shared/api"
	"billingcentre/shared/api/apitest"
)

func TestEvents(t *testing.T) {
	w := fresh(t) // nothing is changed by what is asked, so all ask the same
	lived(w)
	apitest.Run(t, "statements", func(*testing.T, string) api.Handler { return w.serve })
}
