package sam

import (
	"maps"
	"slices"
	"time"
)

// Bus is one event bus.
type Bus struct {
	LogicalID string
	Name      string
	ARN       string
}

// Rule is one rule of a bus that sends to queues.
type Rule struct {
	LogicalID    string
	BusLogicalID string // "" is the account's default bus
	Pattern      string // JSON, checked
	Enabled      bool
	Targets      []RuleTarget
}

// RuleTarget is a queue that a rule sends to.
type RuleTarget struct {
	ID             string
	QueueLogicalID string
	Delivery       Delivery
}

// BusSource is a rule of a bus that invokes a function.
type BusSource struct {
	Event        string
	BusLogicalID string
	Pattern      string // JSON, checked
	Delivery     Delivery
}

// Delivery is how often a bus tries to reach a target, and where what doesn't reach it goes.
type Delivery struct {
	Retries                  int
	MaxAge                   time.Duration
	DeadLetterQueueLogicalID string
}

// AsyncInvoke is what Lambda does with an event that a function fails on.
type AsyncInvoke struct {
	Retries               int
	MaxAge                time.Duration
	FailureQueueLogicalID string // "" for none
}

func (r *reading) delivery(policy *retryPolicy, dead deadLetters) Delivery {
	d := Delivery{Retries: 185, MaxAge: 24 * time.Hour} // EventBridge's own
	d.DeadLetterQueueLogicalID, _ = r.references.owner(dead.Arn, "AWS::SQS::Queue", "Arn")
	if policy != nil {
		d.Retries = policy.MaximumRetryAttempts
		if policy.MaximumEventAgeInSeconds > 0 {
			d.MaxAge = seconds(policy.MaximumEventAgeInSeconds)
		}
	}
	return d
}

func (r *reading) asyncInvoke(f *function) AsyncInvoke {
	a := AsyncInvoke{Retries: 2, MaxAge: 6 * time.Hour} // Lambda's own
	config := f.EventInvokeConfig
	if config == nil {
		return a
	}
	a.Retries = valueOr(config.MaximumRetryAttempts, a.Retries)
	if config.MaximumEventAgeInSeconds != nil {
		a.MaxAge = seconds(*config.MaximumEventAgeInSeconds)
	}
	if config.DestinationConfig != nil {
		a.FailureQueueLogicalID, _ = r.references.owner(config.DestinationConfig.OnFailure.Destination, "AWS::SQS::Queue", "Arn")
	}
	return a
}

func (r *reading) busSource(name string, e *busEvent) BusSource {
	id, _ := r.references.owner(e.EventBusName, "AWS::Events::EventBus", "")
	return BusSource{Event: name, BusLogicalID: id, Pattern: e.Pattern.text, Delivery: r.delivery(e.RetryPolicy, e.DeadLetterConfig)}
}

// eventBuses adds the buses and their rules to queues.
func (r *reading) eventBuses(d *Deployment) {
	buses, rules := bodies[eventBus](r), bodies[eventRule](r)
	for _, id := range slices.Sorted(maps.Keys(buses)) {
		d.Buses = append(d.Buses, Bus{LogicalID: id, Name: r.references.values[id], ARN: r.references.values[id+".Arn"]})
	}
	for _, id := range slices.Sorted(maps.Keys(rules)) {
		rule := Rule{LogicalID: id, Pattern: rules[id].EventPattern.text, Enabled: rules[id].State != "DISABLED"}
		rule.BusLogicalID, _ = r.references.owner(rules[id].EventBusName, "AWS::Events::EventBus", "")
		for _, t := range rules[id].Targets {
			queue, _ := r.references.owner(t.Arn, "AWS::SQS::Queue", "Arn")
			rule.Targets = append(rule.Targets, RuleTarget{t.ID, queue, r.delivery(t.RetryPolicy, t.DeadLetterConfig)})
		}
		d.Rules = append(d.Rules, rule)
	}
}
