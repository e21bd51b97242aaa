package bus

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"billingcentre/infra/local/eventpattern"
)

const (
	account = "000000000000"
	// maxEntries of one request.
	maxEntries = 10
	// maxRequest bounds the sizes of a request's entries, added up.
	maxRequest = 256 << 10
	// sizeOfTime is what an entry's time counts.
	sizeOfTime = 14
)

// Entry is one entry of PutEvents.
type Entry struct {
	Source       string   `json:"Source"`
	DetailType   string   `json:"DetailType"`
	Detail       string   `json:"Detail"`
	EventBusName string   `json:"EventBusName"`
	Resources    []string `json:"Resources"`
	Time         *float64 `json:"Time"` // seconds since 1970
	TraceHeader  string   `json:"TraceHeader"`
}

// size is what the limit counts.
func (e Entry) size() int {
	n := len(e.Source) + len(e.DetailType) + len(e.Detail)
	if e.Time != nil {
		n += sizeOfTime
	}
	for _, r := range e.Resources {
		n += len(r)
	}
	return n
}

// Result is what became of one entry: an event's id, or why it is none.
type Result struct {
	EventID      string `json:"EventId,omitempty"`
	ErrorCode    string `json:"ErrorCode,omitempty"`
	ErrorMessage string `json:"ErrorMessage,omitempty"`
}

// refusal is what is wrong with an entry by itself, in AWS's words; zero for nothing.
func (e Entry) refusal() Result {
	for _, f := range []struct{ name, value string }{{"Source", e.Source}, {"DetailType", e.DetailType}, {"Detail", e.Detail}} {
		if f.value == "" {
			return Result{ErrorCode: "InvalidArgument", ErrorMessage: fmt.Sprintf("Parameter %s is not valid. Reason: %s is a required argument.", f.name, f.name)}
		}
	}
	if strings.HasPrefix(e.Source, "aws.") {
		return Result{ErrorCode: "NotAuthorizedForSourceException", ErrorMessage: "Not authorized for the source."}
	}
	if len(e.DetailType) > 128 {
		return Result{ErrorCode: "InvalidArgument", ErrorMessage: "Parameter DetailType is not valid. Reason: DetailType is longer than 128 characters."}
	}
	detail, err := eventpattern.Decode([]byte(e.Detail))
	if _, object := detail.(map[string]any); err != nil || !object {
		return Result{ErrorCode: "MalformedDetail", ErrorMessage: "Detail is malformed."}
	}
	return Result{}
}

// envelope is an event as rules see it and targets get it.
type envelope struct {
	Version    string          `json:"version"`
	ID         string          `json:"id"`
	DetailType string          `json:"detail-type"`
	Source     string          `json:"source"`
	Account    string          `json:"account"`
	Time       string          `json:"time"`
	Region     string          `json:"region"`
	Resources  []string        `json:"resources"`
	Detail     json.RawMessage `json:"detail"`
}

// event is an entry as an event.
func (e Entry) event(id, region string, now time.Time) ([]byte, error) {
	at := now
	if e.Time != nil {
		at = time.UnixMilli(int64(*e.Time * 1000))
	}
	resources := e.Resources
	if resources == nil {
		resources = []string{}
	}
	return json.Marshal(envelope{
		Version: "0", ID: id, DetailType: e.DetailType, Source: e.Source, Account: account,
		Time: at.UTC().Format(time.RFC3339), Region: region, Resources: resources, Detail: json.RawMessage(e.Detail),
	})
}
