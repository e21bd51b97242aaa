package main

import (
	"context"

	"billingcentre/shared/api"
	"billingcentre/shared/quarantine"
	"billingcentre/shared/refusal"
)

const (
	quarantineList = "quarantine"
	billSource     = "usage-bills"
	noticeSource   = "notices"
)

// message is a message in quarantine as it is told.
type message struct {
	ID         string            `json:"message_id"`
	Source     string            `json:"source"`
	Kind       string            `json:"kind"` // why it is here: a refusal's kind, or "internal"
	Detail     string            `json:"detail"`
	Attributes map[string]string `json:"attributes,omitempty"`
	KeptAt     string            `json:"kept_at"`
	Status     string            `json:"status"`
	ReplayedAt string            `json:"replayed_at,omitempty"`
	ReplayedBy string            `json:"replayed_by,omitempty"`
	Body       string            `json:"body,omitempty"` // not in lists
	Encoding   string            `json:"body_encoding,omitempty"`
}

func messageOf(m quarantine.Message) message {
	out := message{
		ID: m.ID, Source: m.Source, Kind: m.Kind, Detail: m.Detail, Attributes: m.Attributes, KeptAt: api.Instant(m.KeptAt),
		Status: m.Status, ReplayedAt: api.Instant(m.ReplayedAt), ReplayedBy: m.ReplayedBy,
	}
	if m.Body != nil {
		out.Body, out.Encoding = m.Text()
	}
	return out
}

func (h handler) listQuarantine(ctx context.Context, r *api.Request) (api.Response, error) {
	before, limit, err := h.place(r, quarantineList)
	if err != nil {
		return api.Response{}, err
	}
	messages, next, err := h.quarantine.List(ctx, before, limit)
	if err != nil {
		return api.Response{}, err
	}
	return api.OK(api.PageOf(messages, messageOf, h.cursors.Encode(quarantineList, next)))
}

func (h handler) getQuarantined(ctx context.Context, r *api.Request) (api.Response, error) {
	if err := r.Caller.MustBe(api.Operator); err != nil {
		return api.Response{}, err
	}
	found, err := h.kept(ctx, r)
	if err != nil {
		return api.Response{}, err
	}
	return api.OK(messageOf(found))
}

// kept is the message that a path names.
func (h handler) kept(ctx context.Context, r *api.Request) (quarantine.Message, error) {
	id := r.Path("message")
	if !api.ValidID(id) {
		return quarantine.Message{}, refusal.Of(refusal.NotFound, "There is no such message in quarantine.")
	}
	return h.quarantine.Get(ctx, id)
}

// replay puts a kept message on its queue again, as it came, and then notes it. Should the note fail, it may be sent twice; a
// bill settles once all the same (README rule 18), and of an event people are told once.
func (h handler) replay(ctx context.Context, r *api.Request) (api.Response, error) {
	if err := r.Caller.MustBe(api.Operator); err != nil {
		return api.Response{}, err
	}
	kept, err := h.kept(ctx, r)
	if err != nil {
		return api.Response{}, err
	}
	body, encoding := kept.Text()
	queue := h.replays[kept.Source]
	switch {
	case queue == nil:
		return api.Response{}, refusal.Of(refusal.Conflict, "Messages of %s can't be sent again.", kept.Source)
	case encoding != "utf-8":
		return api.Response{}, refusal.Of(refusal.Conflict, "The message isn't text: the queue wouldn't take it.")
	}
	if err := queue.Send(ctx, body); err != nil {
		return api.Response{}, err
	}
	replayed, err := h.quarantine.MarkReplayed(ctx, kept.ID, r.Caller.Subject)
	if err != nil {
		return api.Response{}, err
	}
	return api.OK(messageOf(replayed))
}
