package sam

import (
	"maps"
	"slices"
	"strings"

	"billingcentre/infra/local/eventpattern"
)

// checkRules holds the rules of buses against what they point to. What AWS would only tell by a metric (a pattern that
// matches nothing, a queue that lets nobody in, events given up without a trace) is a fault here.
func (r *reading) checkRules() {
	rules := bodies[eventRule](r)
	for _, id := range slices.Sorted(maps.Keys(rules)) {
		rule := rules[id]
		at := eventPlace{id: id, where: id + ".Properties", line: rule.Line}
		r.checkRule(at, rule.EventBusName, rule.EventPattern)
		for _, target := range rule.Targets {
			r.checkGrant(at, "Target "+target.ID, target.Arn, rule.EventBusName)
			r.checkGrant(at, "DeadLetterConfig of "+target.ID, target.DeadLetterConfig.Arn, rule.EventBusName)
		}
	}
	for id, policy := range bodies[queuePolicy](r) {
		r.checkQueuePolicy(id, policy)
	}
}

// checkBusEvent also asks for what Lambda's own retries need: the rule's dead letters are those that never reached the
// function; what the function failed on goes to its EventInvokeConfig's destination.
func (r *reading) checkBusEvent(at eventPlace, e *busEvent) {
	r.checkRule(at, e.EventBusName, e.Pattern)
	r.checkGrant(at, "DeadLetterConfig", e.DeadLetterConfig.Arn, e.EventBusName)
	invoke := at.function.EventInvokeConfig
	if invoke == nil || invoke.DestinationConfig == nil {
		r.fault(at, "the function needs EventInvokeConfig.DestinationConfig: an event that it fails on would be gone")
		return
	}
	failed := invoke.DestinationConfig.OnFailure.Destination
	if id, ok := r.references.owner(failed, "AWS::SQS::Queue", "Arn"); !ok {
		r.fault(at, "the OnFailure destination is no queue of this template")
	} else if !at.function.allows("sqs:SendMessage", failed) {
		r.fault(at, "the function may not sqs:SendMessage to %s, its OnFailure destination", id)
	}
}

func (r *reading) checkRule(at eventPlace, busName string, p pattern) {
	if _, ok := r.references.owner(busName, "AWS::Events::EventBus", ""); !ok && busName != defaultBus {
		r.fault(at, "EventBusName is no bus of this template")
	}
	if _, err := eventpattern.Parse([]byte(p.text)); err != nil {
		r.fault(at, "pattern: %v", err)
	}
}

// checkGrant finds the policy by which a queue takes what a bus sends.
func (r *reading) checkGrant(at eventPlace, what, arn, busName string) {
	id, ok := r.references.owner(arn, "AWS::SQS::Queue", "Arn")
	if !ok {
		r.fault(at, "%s: %q is no queue of this template", what, arn)
		return
	}
	for _, policy := range bodies[queuePolicy](r) {
		for _, grant := range policy.PolicyDocument.Statement {
			if slices.Contains(grant.Resource, arn) && r.letsIn(grant.Condition.ArnLike.SourceArn, at.id, busName) &&
				slices.Contains(policy.Queues, r.references.values[id]) {
				return
			}
		}
	}
	r.fault(at, "%s: no AWS::SQS::QueuePolicy lets the bus send to %s", what, id)
}

// letsIn tells whether a grant is for a rule: by its bus, or on the default bus, where others have rules too, by itself.
func (r *reading) letsIn(source, rule, busName string) bool {
	if busName == defaultBus {
		return source == r.references.values[rule+".Arn"]
	}
	return strings.HasSuffix(source, ":rule/"+busName+"/*")
}

func (r *reading) checkQueuePolicy(id string, policy *queuePolicy) {
	for _, url := range policy.Queues {
		if _, ok := r.references.owner(url, "AWS::SQS::Queue", ""); !ok {
			r.faults.add(policy.Line, id+".Properties.Queues", "%q is no queue of this template", url)
		}
	}
	for _, grant := range policy.PolicyDocument.Statement {
		for _, arn := range grant.Resource {
			if _, ok := r.references.owner(arn, "AWS::SQS::Queue", "Arn"); !ok {
				r.faults.add(policy.Line, id+".Properties.PolicyDocument", "%q is no queue of this template", arn)
			}
		}
	}
}
