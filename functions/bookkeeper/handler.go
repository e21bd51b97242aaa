package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-lambda-go/events"
	"github.com/go-json-experiment/json"

	"billingcentre/shared/books"
)

type handler struct {
	keeper *books.Keeper
}

// event is what starts the function, as it came: a batch of the stream, or what the schedule sends.
type event []byte

// UnmarshalJSON implements json.Unmarshaler.
func (e *event) UnmarshalJSON(text []byte) error {
	*e = slices.Clone(text)
	return nil
}

// kind tells the two apart.
type kind struct {
	Records []struct{} `json:"Records"`
	Duty    string     `json:"duty"`
}

// handle answers a batch with what failed of it, and the schedule with what it found.
func (h handler) handle(ctx context.Context, e event) (any, error) {
	var is kind
	if err := json.Unmarshal(e, &is); err != nil {
		return nil, err
	}
	switch {
	case is.Duty == "catch-up":
		return h.keeper.CatchUp(ctx)
	case is.Records == nil:
		return nil, fmt.Errorf("the event is neither the stream's nor the schedule's: that must be {\"duty\":\"catch-up\"}")
	}
	var batch events.DynamoDBEvent
	if err := json.Unmarshal(e, &batch); err != nil {
		return nil, err
	}
	return h.keeper.Handle(ctx, batch)
}
