package main

import (
	"bytes"
	"os"
	"slices"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/go-json-experiment/json"

	"billingcentre/infra/local/eventpattern"
	"billingcentre/infra/local/sam/samtest"
)

// The template's filters keep from the function what it would pass over, and nothing else: each record of a real stream
// is held against both, as an insert, as a change, and under keys that are only like a notice's.
func TestTheTemplateKeepsAwayWhatNobodyIsToldOf(t *testing.T) {
	filters := filtersOf(t, "OutboxFunction")
	text, err := os.ReadFile(recorded)
	if err != nil {
		t.Fatal(err)
	}
	var batch events.DynamoDBEvent
	if err := json.Unmarshal(text, &batch); err != nil {
		t.Fatal(err)
	}
	through := 0
	for _, record := range batch.Records {
		for _, name := range []string{"INSERT", "MODIFY"} {
			for _, under := range []string{"", "D#notices#1", "D#webhook-delivery#1", "D#mail#notice#1"} {
				one := as(record, name, under)
				var log bytes.Buffer
				if answer, err := consumer(&log).Handle(t.Context(), events.DynamoDBEvent{Records: []events.DynamoDBEventRecord{one}}); err != nil || (len(answer.BatchItemFailures) > 0 && under == "") {
					t.Fatal(answer, err)
				}
				text, err := json.Marshal(one)
				if err != nil {
					t.Fatal(err)
				}
				passes := slices.ContainsFunc(filters, func(p eventpattern.Pattern) bool { return p.Matches(text) })
				if told := log.Len() > 0; told != passes {
					t.Errorf("%s of %s: told %t, through the filters %t", name, one.Change.Keys["pk"].String(), told, passes)
				}
				if passes {
					through++
				}
			}
		}
	}
	if through != 3+3+1 {
		t.Errorf("%d records came through, want three entries, each changed too, and a new notice", through)
	}
}

// as is a record by another name, and under another key unless that is empty.
func as(record events.DynamoDBEventRecord, name, pk string) events.DynamoDBEventRecord {
	record.EventName = name
	if pk != "" {
		record.Change.Keys = map[string]events.DynamoDBAttributeValue{"pk": events.NewStringAttribute(pk)}
		record.Change.NewImage = map[string]events.DynamoDBAttributeValue{"pk": events.NewStringAttribute(pk), "body": events.NewStringAttribute("{}")}
	}
	return record
}

// filtersOf are the filters of a function's stream in the template.
func filtersOf(t *testing.T, function string) (filters []eventpattern.Pattern) {
	t.Helper()
	for _, f := range samtest.Deployment(t, nil).Functions {
		if f.LogicalID != function {
			continue
		}
		for _, text := range f.Streams[0].Filters {
			p, err := eventpattern.Parse([]byte(text))
			if err != nil {
				t.Fatal(err)
			}
			filters = append(filters, p)
		}
	}
	return filters
}
