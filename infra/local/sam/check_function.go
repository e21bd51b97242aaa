package sam

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// eventPlace is where an event stands, for its faults.
type eventPlace struct {
	id       string
	function *function
	where    string
	line     int
}

func (r *reading) fault(p eventPlace, format string, args ...any) {
	r.faults.add(p.line, p.where, format, args...)
}

func (r *reading) checkFunctions() {
	functions := bodies[function](r)
	logGroups := map[string]string{}
	routes := map[string]string{}
	for _, id := range slices.Sorted(maps.Keys(functions)) {
		f := functions[id]
		r.checkFunction(id, f, logGroups)
		r.checkPolicies(id, f)
		for _, name := range slices.Sorted(maps.Keys(f.Events)) {
			e := f.Events[name]
			at := eventPlace{id, f, id + ".Properties.Events." + name, e.line}
			switch {
			case e.http != nil:
				r.checkHTTP(at, e.http, routes)
			case e.queue != nil:
				r.checkQueueEvent(at, e.queue)
			case e.stream != nil:
				r.checkStream(at, e.stream)
			case e.schedule != nil:
				r.checkSchedule(at, e.schedule)
			case e.bus != nil:
				r.checkBusEvent(at, e.bus)
			}
		}
	}
}

func (r *reading) checkFunction(id string, f *function, logGroups map[string]string) {
	where := id + ".Properties."
	name, named := strings.CutSuffix(id, "Function")
	if !named {
		r.faults.add(r.resources[id].line, id, "a function's name ends in Function")
	}
	if folder := "functions/" + kebab(name); f.CodeURI != folder {
		r.faults.add(f.Line, where+"CodeUri", "must be %s, not %s", folder, f.CodeURI)
	}
	if r.resources[id].BuildMethod != "go1.x" {
		r.faults.add(r.resources[id].line, id+".Metadata.BuildMethod", "must be go1.x")
	}
	group, ok := r.references.owner(f.LoggingConfig.LogGroup, "AWS::Logs::LogGroup", "")
	if !ok {
		r.faults.add(f.Line, where+"LoggingConfig.LogGroup", "is no log group of this template")
	} else if other, taken := logGroups[group]; taken {
		r.faults.add(f.Line, where+"LoggingConfig.LogGroup", "%s is the log group of %s", group, other)
	}
	logGroups[group] = id
	for _, name := range slices.Sorted(maps.Keys(f.Environment.Variables)) {
		if !variableForm.MatchString(name) || strings.HasPrefix(name, "AWS_") || strings.HasPrefix(name, "LAMBDA_") {
			r.faults.add(f.Line, where+"Environment.Variables."+name, "is no name that Lambda leaves to us")
		}
	}
	if len(f.Policies.documents) != 1 {
		r.faults.add(f.Line, where+"Policies", "want one policy of its own, not %d", len(f.Policies.documents))
	}
	if len(f.Events) == 0 {
		r.faults.add(f.Line, where+"Events", "nothing would ever call it")
	}
}

var (
	variableForm  = regexp.MustCompile(`^[A-Z][A-Z0-9_]+$`)
	pathForm      = regexp.MustCompile(`^(/([a-z0-9][a-z0-9.-]*|\{[a-z]+\}))+$`)
	pathParameter = regexp.MustCompile(`\{[^}]*\}`)
)

// longestAPITimeout is below the 30 seconds of HTTP API, so that it is the function that is cut off, and tells so.
const longestAPITimeout = 29

func (r *reading) checkHTTP(at eventPlace, e *httpEvent, routes map[string]string) {
	if _, ok := r.references.owner(e.APIID, "AWS::Serverless::HttpApi", ""); !ok {
		r.fault(at, "ApiId is no API of this template")
	}
	if !pathForm.MatchString(e.Path) {
		r.fault(at, "Path %q isn't of the form /v1/things/{thing}", e.Path)
	}
	parameters := pathParameter.FindAllString(e.Path, -1)
	slices.Sort(parameters)
	if len(slices.Compact(parameters)) != strings.Count(e.Path, "{") {
		r.fault(at, "Path %q has a parameter twice", e.Path)
	}
	// Two routes that differ only in what they call a parameter are one to the API.
	key := e.Method + " " + pathParameter.ReplaceAllString(e.Path, "{}")
	if other, taken := routes[key]; taken {
		r.fault(at, "%s %s is routed by %s already", e.Method, e.Path, other)
	}
	routes[key] = at.where
	switch {
	case e.Auth.Authorizer == "NONE" && len(e.Auth.AuthorizationScopes) > 0:
		r.fault(at, "scopes need an authorizer")
	case e.Auth.Authorizer != "NONE" && len(e.Auth.AuthorizationScopes) == 0:
		r.fault(at, "a route needs AuthorizationScopes, or Authorizer: NONE")
	case e.Auth.Authorizer != "NONE" && e.Auth.Authorizer != "" && !r.hasAuthorizer(e.Auth.Authorizer):
		r.fault(at, "no authorizer %q", e.Auth.Authorizer)
	}
	if at.function.Timeout > longestAPITimeout {
		r.fault(at, "the function's Timeout of %d s is beyond the API's 30 s", at.function.Timeout)
	}
}

func (r *reading) hasAuthorizer(name string) bool {
	for _, api := range bodies[httpAPI](r) {
		if _, ok := api.Auth.Authorizers[name]; ok {
			return true
		}
	}
	return false
}

func (r *reading) checkQueueEvent(at eventPlace, e *queueEvent) {
	id, ok := r.references.owner(e.Queue, "AWS::SQS::Queue", "Arn")
	if !ok {
		r.fault(at, "Queue is no queue of this template")
		return
	}
	q := bodies[queue](r)[id]
	least := 6*at.function.Timeout + e.MaximumBatchingWindowInSeconds
	if got := valueOr(q.VisibilityTimeout, 30); got < least {
		r.fault(at, "the VisibilityTimeout of %s is %d s: want at least 6 × Timeout + window = %d s", id, got, least)
	}
	if e.BatchSize > 10 && e.MaximumBatchingWindowInSeconds == 0 {
		r.fault(at, "a BatchSize above 10 needs a MaximumBatchingWindowInSeconds")
	}
	if q.RedrivePolicy == nil {
		r.fault(at, "%s has no dead-letter queue", id)
	}
	for _, action := range []string{"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"} {
		if !at.function.allows(action, e.Queue) {
			r.fault(at, "the function may not %s on %s", action, id)
		}
	}
}

func (r *reading) checkStream(at eventPlace, e *streamEvent) {
	if _, ok := r.references.owner(e.Stream, "AWS::DynamoDB::Table", "StreamArn"); !ok {
		r.fault(at, "Stream is no stream of this template")
	}
	failed := e.DestinationConfig.OnFailure.Destination
	if id, ok := r.references.owner(failed, "AWS::SQS::Queue", "Arn"); !ok {
		r.fault(at, "the OnFailure destination is no queue of this template")
	} else if !at.function.allows("sqs:SendMessage", failed) {
		r.fault(at, "the function may not sqs:SendMessage to %s, its OnFailure destination", id)
	}
	for _, action := range []string{"dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"} {
		if !at.function.allows(action, e.Stream) {
			r.fault(at, "the function may not %s on its stream", action)
		}
	}
	r.checkFilters(at, e)
}

func (r *reading) checkSchedule(at eventPlace, e *scheduleEvent) {
	if err := checkExpression(e.ScheduleExpression); err != nil {
		r.fault(at, "ScheduleExpression: %v", err)
	}
	if e.Input != "" && !json.Valid([]byte(e.Input)) {
		r.fault(at, "Input is no JSON")
	}
	if err := checkTimeZone(e.ScheduleExpressionTimezone); err != nil {
		r.fault(at, "ScheduleExpressionTimezone: %v", err)
	}
}
