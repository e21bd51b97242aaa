package sam

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"unicode"
)

// check holds the resources against each other.
func (r *reading) check() {
	for id, api := range bodies[httpAPI](r) {
		r.checkAPI(id, api)
	}
	r.checkFunctions()
	for id, t := range bodies[table](r) {
		r.checkTable(id, t)
	}
	r.checkQueues()
	r.checkRules()
	r.checkBuckets()
	r.checkMail()
	for id, policy := range bodies[managedPolicy](r) {
		for _, s := range policy.PolicyDocument.Statement {
			r.checkStatement(s, id+".Properties.PolicyDocument."+s.Sid)
		}
	}
	for id, s := range bodies[secret](r) {
		r.checkSecret(id, s)
	}
	for id, a := range bodies[alarm](r) {
		r.checkAlarm(id, a)
	}
	for id, d := range bodies[dashboard](r) {
		if !json.Valid([]byte(d.DashboardBody)) {
			r.faults.add(d.Line, id+".Properties.DashboardBody", "is no JSON")
		}
	}
	r.checkCircles()
}

func (r *reading) checkAPI(id string, api *httpAPI) {
	where := id + ".Properties."
	if _, ok := api.Auth.Authorizers[api.Auth.DefaultAuthorizer]; !ok {
		r.faults.add(api.Line, where+"Auth.DefaultAuthorizer", "no authorizer %q", api.Auth.DefaultAuthorizer)
	}
	if len(api.Auth.Authorizers) != 1 {
		r.faults.add(api.Line, where+"Auth.Authorizers", "want exactly one")
	}
	if !json.Valid([]byte(api.AccessLogSettings.Format)) {
		r.faults.add(api.Line, where+"AccessLogSettings.Format", "is no JSON")
	}
	if _, ok := r.references.owner(api.AccessLogSettings.DestinationArn, "AWS::Logs::LogGroup", "Arn"); !ok {
		r.faults.add(api.Line, where+"AccessLogSettings.DestinationArn", "is no log group of this template")
	}
}

func (r *reading) checkTable(id string, t *table) {
	where := id + ".Properties."
	if !t.DeletionProtectionEnabled {
		r.faults.add(t.Line, where+"DeletionProtectionEnabled", "must be on: the table is the money")
	}
	if !t.PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled {
		r.faults.add(t.Line, where+"PointInTimeRecoverySpecification", "must be on: the table is the money")
	}
	if !t.SSESpecification.SSEEnabled {
		r.faults.add(t.Line, where+"SSESpecification", "must be on")
	}
	r.mustRetain(id)
	if ttl := t.TimeToLiveSpecification; ttl != nil && ttl.AttributeName != "until" {
		r.faults.add(t.Line, where+"TimeToLiveSpecification", `must be by "until", which only documents have that may be forgotten: the table is the money`)
	}

	declared := map[string]bool{}
	for _, a := range t.AttributeDefinitions {
		declared[a.AttributeName] = true
	}
	used := map[string]bool{}
	check := func(where string, keys []keyElement) {
		if keys[0].KeyType != "HASH" || len(keys) > 2 || len(keys) == 2 && keys[1].KeyType != "RANGE" {
			r.faults.add(t.Line, where, "want a HASH key, then at most a RANGE key")
		}
		for _, key := range keys {
			used[key.AttributeName] = true
			if !declared[key.AttributeName] {
				r.faults.add(t.Line, where, "%q isn't in AttributeDefinitions", key.AttributeName)
			}
		}
	}
	check(where+"KeySchema", t.KeySchema)
	for _, index := range t.GlobalSecondaryIndexes {
		check(where+"GlobalSecondaryIndexes."+index.IndexName, index.KeySchema)
	}
	for _, name := range slices.Sorted(maps.Keys(declared)) {
		if !used[name] {
			r.faults.add(t.Line, where+"AttributeDefinitions", "%q is no key", name)
		}
	}
}

func (r *reading) mustRetain(id string) {
	res := r.resources[id]
	if res.DeletionPolicy != "Retain" || res.UpdateReplacePolicy != "Retain" {
		r.faults.add(res.line, id, "DeletionPolicy and UpdateReplacePolicy must be Retain")
	}
}

func (r *reading) checkQueues() {
	queues := bodies[queue](r)
	sources := map[string][]string{} // dead-letter queue → ARNs of those that send there
	for _, id := range slices.Sorted(maps.Keys(queues)) {
		q := queues[id]
		if !q.SqsManagedSseEnabled {
			r.faults.add(q.Line, id+".Properties.SqsManagedSseEnabled", "must be on")
		}
		if q.RedrivePolicy == nil {
			continue
		}
		dead, ok := r.references.owner(q.RedrivePolicy.DeadLetterTargetArn, "AWS::SQS::Queue", "Arn")
		if !ok || dead == id {
			r.faults.add(q.Line, id+".Properties.RedrivePolicy.deadLetterTargetArn", "is no other queue of this template")
			continue
		}
		sources[dead] = append(sources[dead], r.references.values[id+".Arn"])
		if retention(queues[dead]) < retention(q) {
			r.faults.add(queues[dead].Line, dead+".Properties.MessageRetentionPeriod", "is shorter than that of %s, and the clock runs on from there", id)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(queues)) {
		q := queues[id]
		if q.RedriveAllowPolicy == nil {
			if sources[id] != nil {
				r.faults.add(q.Line, id+".Properties.RedriveAllowPolicy", "is missing: any queue could send its dead letters here")
			}
			continue
		}
		if !slices.Equal(q.RedriveAllowPolicy.SourceQueueArns, sources[id]) {
			r.faults.add(q.Line, id+".Properties.RedriveAllowPolicy", "names %v, but the queues that send here are %v", q.RedriveAllowPolicy.SourceQueueArns, sources[id])
		}
	}
}

func retention(q *queue) int { return valueOr(q.MessageRetentionPeriod, 345600) }

// valueOr is AWS's default for what the template leaves out.
func valueOr(value *int, otherwise int) int {
	if value == nil {
		return otherwise
	}
	return *value
}

func (r *reading) checkSecret(id string, s *secret) {
	r.mustRetain(id)
	var template map[string]string
	if err := json.Unmarshal([]byte(s.GenerateSecretString.SecretStringTemplate), &template); err != nil {
		r.faults.add(s.Line, id+".Properties.GenerateSecretString.SecretStringTemplate", "is no JSON object of texts")
	}
}

func (r *reading) checkAlarm(id string, a *alarm) {
	where := id + ".Properties"
	if (a.MetricName == "") == (len(a.Metrics) == 0) {
		r.faults.add(a.Line, where, "want either MetricName or Metrics")
	}
	if a.MetricName != "" && (a.Namespace == "" || a.Statistic == "" || a.Period == 0) {
		r.faults.add(a.Line, where, "MetricName needs Namespace, Statistic and Period")
	}
	if a.DatapointsToAlarm > a.EvaluationPeriods {
		r.faults.add(a.Line, where+".DatapointsToAlarm", "is more than EvaluationPeriods")
	}
	answers := 0
	for _, m := range a.Metrics {
		if (m.Expression == "") == (m.MetricStat == nil) {
			r.faults.add(a.Line, where+".Metrics."+m.ID, "want either Expression or MetricStat")
		}
		if m.ReturnData {
			answers++
		}
	}
	if len(a.Metrics) > 0 && answers != 1 {
		r.faults.add(a.Line, where+".Metrics", "exactly one must have ReturnData")
	}
	if stats := len(a.Metrics) - answers; stats > mostMetrics {
		r.faults.add(a.Line, where+".Metrics", "%d are more than an alarm's expression takes: %d", stats, mostMetrics)
	}
}

// mostMetrics is CloudWatch's limit of metrics in the expression of one alarm.
const mostMetrics = 10

// checkCircles finds resources that wait for each other: a deployment would refuse them, after minutes. SAM makes an
// API wait for every function that it routes to.
func (r *reading) checkCircles() {
	edges := r.references.edges
	for id, f := range bodies[function](r) {
		for _, e := range f.Events {
			if e.http == nil {
				continue
			}
			if api, ok := r.references.owner(e.http.APIID, "AWS::Serverless::HttpApi", ""); ok {
				r.references.edge(api, id)
			}
		}
	}
	done := map[string]bool{}
	var visit func(id string, path []string)
	visit = func(id string, path []string) {
		if at := slices.Index(path, id); at >= 0 {
			r.faults.add(r.resources[id].line, id, "waits for itself: %s", strings.Join(append(path[at:], id), " → "))
			return
		}
		if done[id] {
			return
		}
		for _, next := range slices.Sorted(slices.Values(edges[id])) {
			visit(next, append(slices.Clone(path), id))
		}
		done[id] = true
	}
	for _, id := range slices.Sorted(maps.Keys(r.resources)) {
		visit(id, nil)
	}
}

// kebab turns "BillSettlement" into "bill-settlement".
func kebab(camel string) string {
	var out strings.Builder
	for i, c := range camel {
		if unicode.IsUpper(c) && i > 0 {
			out.WriteByte('-')
		}
		out.WriteRune(unicode.ToLower(c))
	}
	return out.String()
}
