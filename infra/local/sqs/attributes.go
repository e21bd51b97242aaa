package sqs

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// bound is the range of a numeric queue attribute, with its default.
type bound struct{ min, max, standard int }

// bounds of the numeric attributes, in seconds or bytes (AWS: CreateQueue).
var bounds = map[string]bound{
	"DelaySeconds":                  {0, 900, 0},
	"MaximumMessageSize":            {1024, maxMessageBytes, maxMessageBytes},
	"MessageRetentionPeriod":        {60, 1_209_600, 345_600},
	"ReceiveMessageWaitTimeSeconds": {0, 20, 0},
	"VisibilityTimeout":             {0, 43_200, 30},
	"KmsDataKeyReusePeriodSeconds":  {60, 86_400, 300},
}

// kept attributes are stored and told, and change nothing here.
var kept = []string{"Policy", "KmsMasterKeyId", "SqsManagedSseEnabled", "KmsDataKeyReusePeriodSeconds"}

// computed attributes can be read only.
var computed = []string{
	"ApproximateNumberOfMessages", "ApproximateNumberOfMessagesDelayed",
	"ApproximateNumberOfMessagesNotVisible", "CreatedTimestamp", "LastModifiedTimestamp", "QueueArn",
}

// fifo attributes belong to queues that this server doesn't have.
var fifo = []string{"FifoQueue", "ContentBasedDeduplication", "DeduplicationScope", "FifoThroughputLimit"}

// attributes are a queue's settings as they were given, checked.
type attributes map[string]string

func defaultAttributes() attributes {
	a := attributes{"SqsManagedSseEnabled": "true"}
	for name, b := range bounds {
		if !slices.Contains(kept, name) {
			a[name] = strconv.Itoa(b.standard)
		}
	}
	return a
}

// seconds reads a numeric attribute that was checked when it was set.
func (a attributes) seconds(name string) time.Duration {
	return time.Duration(a.number(name)) * time.Second
}

func (a attributes) number(name string) int {
	n, err := strconv.Atoi(a[name])
	if err != nil {
		return bounds[name].standard
	}
	return n
}

// differsFrom names the first asked-for attribute with another value, or "".
// Attributes that weren't asked for aren't compared, nor is JSON by its spelling.
func (a attributes) differsFrom(asked map[string]string) string {
	for _, name := range slices.Sorted(maps.Keys(asked)) {
		if a[name] != asked[name] && canonicalJSON(a[name]) != canonicalJSON(asked[name]) {
			return name
		}
	}
	return ""
}

func canonicalJSON(text string) string {
	var value any
	if json.Unmarshal([]byte(text), &value) != nil {
		return text
	}
	canonical, err := json.Marshal(value)
	if err != nil {
		return text
	}
	return string(canonical)
}

// changed returns the settings of the queue called name after a change, or why
// it is refused. An empty value takes a JSON attribute away. The lock is held.
func (s *Server) changed(name string, settings attributes, change map[string]string) (attributes, error) {
	result := maps.Clone(settings)
	for _, key := range slices.Sorted(maps.Keys(change)) {
		value := change[key]
		if err := s.checkAttribute(name, key, value); err != nil {
			return nil, err
		}
		if value == "" {
			delete(result, key)
			continue
		}
		result[key] = value
	}
	return result, nil
}

func (s *Server) checkAttribute(queueName, name, value string) error {
	if b, ok := bounds[name]; ok {
		if n, err := strconv.Atoi(value); err != nil || n < b.min || n > b.max {
			return errAttributeValue(name, "Must be an integer from "+strconv.Itoa(b.min)+" to "+strconv.Itoa(b.max)+".")
		}
		return nil
	}
	switch {
	case name == "RedrivePolicy":
		return s.checkRedrive(queueName, value)
	case name == "RedriveAllowPolicy":
		_, err := parseAllow(value)
		return err
	case slices.Contains(kept, name):
		return nil
	case slices.Contains(fifo, name):
		if value == "false" {
			return nil
		}
		return errUnsupported("FIFO queues are not simulated: " + name)
	}
	return errAttributeName(name)
}

// redrive is the RedrivePolicy: where a message goes that was received max times
// and came back.
type redrive struct {
	target string // ARN of the dead-letter queue
	max    int
}

// redrivePolicy of a queue; ok is false where it has none.
func (a attributes) redrivePolicy() (policy redrive, ok bool) {
	policy, err := parseRedrive(a["RedrivePolicy"])
	return policy, err == nil && policy.max > 0
}

// parseRedrive takes maxReceiveCount as a number or as a string, as AWS does.
func parseRedrive(text string) (redrive, error) {
	if text == "" {
		return redrive{}, nil
	}
	var raw struct {
		DeadLetterTargetARN string          `json:"deadLetterTargetArn"`
		MaxReceiveCount     json.RawMessage `json:"maxReceiveCount"`
	}
	if err := json.Unmarshal([]byte(text), &raw); err != nil {
		return redrive{}, errValue(text, "RedrivePolicy", "Amazon SQS can't parse the policy: it must be a JSON object.")
	}
	if raw.DeadLetterTargetARN == "" || raw.MaxReceiveCount == nil {
		return redrive{}, errValue(text, "RedrivePolicy", "Redrive policy must contain deadLetterTargetArn and maxReceiveCount.")
	}
	count, err := strconv.Atoi(strings.Trim(string(raw.MaxReceiveCount), `"`))
	if err != nil || count < 1 || count > 1000 {
		return redrive{}, errValue(text, "RedrivePolicy", "Invalid value for maxReceiveCount: must be an integer between 1 and 1000.")
	}
	return redrive{raw.DeadLetterTargetARN, count}, nil
}

func (s *Server) checkRedrive(queueName, text string) error {
	policy, err := parseRedrive(text)
	if err != nil || text == "" {
		return err
	}
	target := s.byARN(policy.target)
	if target == nil {
		return errValue(text, "RedrivePolicy", "Dead letter target does not exist.")
	}
	allow, err := parseAllow(target.attributes["RedriveAllowPolicy"])
	if err != nil {
		return err
	}
	if !allow.allows(s.ARN(queueName)) {
		return errValue(text, "RedrivePolicy", "The dead-letter queue's RedriveAllowPolicy does not allow this source queue.")
	}
	return nil
}

// allowPolicy is the RedriveAllowPolicy: whose dead letters a queue takes.
type allowPolicy struct {
	Permission string   `json:"redrivePermission"`
	Sources    []string `json:"sourceQueueArns"`
}

func parseAllow(text string) (allowPolicy, error) {
	if text == "" {
		return allowPolicy{Permission: "allowAll"}, nil
	}
	var p allowPolicy
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		return p, errValue(text, "RedriveAllowPolicy", "Amazon SQS can't parse the policy: it must be a JSON object.")
	}
	known := slices.Contains([]string{"allowAll", "denyAll", "byQueue"}, p.Permission)
	if !known || len(p.Sources) > 10 || (p.Permission == "byQueue") != (len(p.Sources) > 0) {
		return p, errValue(text, "RedriveAllowPolicy", "redrivePermission must be allowAll, denyAll, or byQueue with 1 to 10 sourceQueueArns.")
	}
	return p, nil
}

func (p allowPolicy) allows(source string) bool {
	return p.Permission == "allowAll" || p.Permission == "byQueue" && slices.Contains(p.Sources, source)
}
