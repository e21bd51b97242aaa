package main

import (
	"slices"
	"strings"

	"billingcentre/shared/api"
	"billingcentre/shared/refusal"
)

// What the desk's routes have in common.

// place is where a page of one of the desk's lists begins.
func (h handler) place(r *api.Request, list string) (before string, limit int, err error) {
	if err := r.Caller.MustBe(api.Operator); err != nil {
		return "", 0, err
	}
	if err := r.OnlyQuery("limit", "cursor"); err != nil {
		return "", 0, err
	}
	return r.Place(h.cursors, list)
}

// stated is a page of a list of what is in one state.
type stated struct {
	state  string
	list   string // that cursors are bound to
	before string
	limit  int
}

// stated is where a page begins of what is in the state that the query asks for, or in the usual one.
func (h handler) stated(r *api.Request, name, usual string, states ...string) (stated, error) {
	if err := r.Caller.MustBe(api.Operator); err != nil {
		return stated{}, err
	}
	if err := r.OnlyQuery("state", "limit", "cursor"); err != nil {
		return stated{}, err
	}
	state, err := r.Query("state")
	if err != nil {
		return stated{}, err
	}
	if state == "" {
		state = usual
	}
	if last := len(states) - 1; !slices.Contains(states, state) {
		return stated{}, refusal.At("/state", `must be "%s" or "%s"`, strings.Join(states[:last], `", "`), states[last])
	}
	at := stated{state: state, list: name + "#" + state}
	at.before, at.limit, err = r.Place(h.cursors, at.list)
	return at, err
}

// closing is the case that a path names, and why it is closed.
func closing(r *api.Request) (id, reason string, err error) {
	if err := r.Caller.MustBe(api.Operator); err != nil {
		return "", "", err
	}
	id = r.Path("case")
	if !api.ValidID(id) {
		return "", "", refusal.Of(refusal.NotFound, "There is no such case.")
	}
	reason, err = r.Reason()
	return id, reason, err
}
