package sam

import (
	"encoding/json"
	"maps"
	"slices"

	"billingcentre/infra/local/eventpattern"
)

// maxFilters is how many an event source may have without AWS being asked for more.
const maxFilters = 5

// What a record of a table's stream has, as Lambda filters it.
var (
	recordFields = []string{"awsRegion", "dynamodb", "eventID", "eventName", "eventSource", "eventSourceARN", "eventVersion", "userIdentity"}
	changeFields = []string{"ApproximateCreationDateTime", "Keys", "NewImage", "OldImage", "SequenceNumber", "SizeBytes", "StreamViewType"}
)

// checkFilters holds a stream's filters against what its records have. AWS takes a filter that names what no record has:
// it would keep every record from the function, without a word.
func (r *reading) checkFilters(at eventPlace, e *streamEvent) {
	if e.FilterCriteria == nil {
		return
	}
	if n := len(e.FilterCriteria.Filters); n > maxFilters {
		r.fault(at, "FilterCriteria: %d filters are more than %d", n, maxFilters)
	}
	for _, f := range e.FilterCriteria.Filters {
		if _, err := eventpattern.Parse([]byte(f.Pattern)); err != nil {
			r.fault(at, "FilterCriteria: %v", err)
			continue
		}
		r.checkFields(at, e, f.Pattern)
	}
}

// checkFields finds names in a filter that no record of the stream has.
func (r *reading) checkFields(at eventPlace, e *streamEvent, pattern string) {
	var record, change, keys map[string]json.RawMessage
	_ = json.Unmarshal([]byte(pattern), &record) // it is an object: it was parsed
	r.onlyFields(at, "a record", record, recordFields)
	_ = json.Unmarshal(record["dynamodb"], &change) // what is no object, or isn't there, has no fields
	r.onlyFields(at, "dynamodb", change, changeFields)
	_ = json.Unmarshal(change["Keys"], &keys)
	id, _ := r.references.owner(e.Stream, "AWS::DynamoDB::Table", "StreamArn")
	if t := bodies[table](r)[id]; t != nil {
		var known []string
		for _, key := range t.KeySchema {
			known = append(known, key.AttributeName)
		}
		r.onlyFields(at, "Keys", keys, known)
	}
}

func (r *reading) onlyFields(at eventPlace, what string, fields map[string]json.RawMessage, known []string) {
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if !slices.Contains(known, name) {
			r.fault(at, "FilterCriteria: %s of the stream has no %q", what, name)
		}
	}
}
