package stack

import (
	"context"
	"fmt"

	"billingcentre/infra/local/bus"
	"billingcentre/infra/local/sam"
	"billingcentre/infra/local/sqs"
)

// busFile keeps the events that functions have not got yet.
const busFile = "bus.json"

// startBus makes the template's buses and rules, with the invocations that were waiting when the last run ended.
func (s *Stack) startBus(context.Context) error {
	s.Bus = bus.New(bus.Options{Region: region, Logger: s.logs.stack})
	names := map[string]string{"": bus.Default} // by logical id
	s.Bus.AddBus(bus.Default)
	for _, b := range s.Deployment.Buses {
		names[b.LogicalID] = b.Name
		s.Bus.AddBus(b.Name)
	}
	for _, r := range s.Deployment.Rules {
		if err := s.addQueueRule(r, names[r.BusLogicalID]); err != nil {
			return err
		}
	}
	for _, f := range s.Deployment.Functions {
		for _, source := range f.Rules {
			if err := s.addFunctionRule(f, source, names[source.BusLogicalID]); err != nil {
				return err
			}
		}
	}
	kept := s.data(busFile)
	if err := s.Bus.Load(kept); err != nil {
		return err
	}
	s.onClose("the bus", func() error { return s.Bus.Save(kept) })
	return nil
}

func (s *Stack) addQueueRule(r sam.Rule, on string) error {
	if !r.Enabled {
		return nil
	}
	rule := bus.Rule{Bus: on, Name: r.LogicalID, Pattern: r.Pattern}
	for _, t := range r.Targets {
		queue, err := s.Queue(t.QueueLogicalID)
		if err != nil {
			return err
		}
		dead, err := s.Queue(t.Delivery.DeadLetterQueueLogicalID)
		if err != nil {
			return err
		}
		rule.Queues = append(rule.Queues, bus.QueueTarget{ID: t.ID, ARN: queue.ARN(), Send: into(queue), DeadLetter: withAttributes(dead)})
	}
	return s.Bus.AddRule(rule)
}

func (s *Stack) addFunctionRule(f sam.Function, source sam.BusSource, on string) error {
	failed, err := s.Queue(f.Async.FailureQueueLogicalID)
	if err != nil {
		return fmt.Errorf("%s: %w", f.LogicalID, err)
	}
	function := s.functions[f.LogicalID]
	return s.Bus.AddRule(bus.Rule{Bus: on, Name: f.LogicalID + source.Event, Pattern: source.Pattern, Invokes: []bus.FunctionTarget{{
		Name: f.Name(), ARN: function.ARN(), Function: function,
		Retries: f.Async.Retries, MaxAge: f.Async.MaxAge, OnFailure: into(failed),
	}}})
}

func into(queue *sqs.Queue) func(body string) error {
	return func(body string) error {
		_, err := queue.Send(sqs.Draft{Body: body})
		return err
	}
}

func withAttributes(queue *sqs.Queue) func(body string, attributes map[string]string) error {
	return func(body string, attributes map[string]string) error {
		draft := sqs.Draft{Body: body, Attributes: map[string]sqs.Attribute{}}
		for name, value := range attributes {
			draft.Attributes[name] = sqs.Attribute{DataType: "String", StringValue: value}
		}
		_, err := queue.Send(draft)
		return err
	}
}
