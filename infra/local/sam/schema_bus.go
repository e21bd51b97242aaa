package sam

import (
	"encoding/json"
	"strconv"

	"gopkg.in/yaml.v3"
)

// EventBridge: a bus, rules from it to queues, rules from it to functions (as SAM's event of a function), and the
// policy by which a queue lets the bus in.

// defaultBus is the one that every account has, and on which AWS's services tell what happens. No template makes it.
const defaultBus = "default"

type eventBus struct {
	Line        int    `cfn:"@line"`
	Name        string `cfn:"Name,required" match:"^[a-zA-Z0-9._-]{1,256}$"`
	Description string `cfn:"Description"`
}

type eventRule struct {
	Line         int          `cfn:"@line"`
	Description  string       `cfn:"Description"`
	EventBusName string       `cfn:"EventBusName,required"`
	EventPattern pattern      `cfn:"EventPattern,required"`
	State        string       `cfn:"State" oneof:"ENABLED|DISABLED"`
	Targets      []ruleTarget `cfn:"Targets,required" min:"1"`
}

type ruleTarget struct {
	ID               string       `cfn:"Id,required" match:"^[a-zA-Z0-9._-]{1,64}$"`
	Arn              string       `cfn:"Arn,required"`
	RetryPolicy      *retryPolicy `cfn:"RetryPolicy"`
	DeadLetterConfig deadLetters  `cfn:"DeadLetterConfig,required"`
}

type deadLetters struct {
	Arn string `cfn:"Arn,required"`
}

// busEvent is a function's event of type EventBridgeRule.
type busEvent struct {
	EventBusName     string       `cfn:"EventBusName,required"`
	Pattern          pattern      `cfn:"Pattern,required"`
	RetryPolicy      *retryPolicy `cfn:"RetryPolicy"`
	DeadLetterConfig deadLetters  `cfn:"DeadLetterConfig,required"`
}

type queuePolicy struct {
	Line           int      `cfn:"@line"`
	Queues         []string `cfn:"Queues,required" min:"1"`
	PolicyDocument struct {
		Version   string       `cfn:"Version,required" oneof:"2012-10-17"`
		Statement []queueGrant `cfn:"Statement,required" min:"1"`
	} `cfn:"PolicyDocument,required"`
}

// queueGrant lets rules of a bus send to queues, and nobody else do anything.
type queueGrant struct {
	Sid       string `cfn:"Sid"`
	Effect    string `cfn:"Effect,required" oneof:"Allow"`
	Principal struct {
		Service string `cfn:"Service,required" oneof:"events.amazonaws.com"`
	} `cfn:"Principal,required"`
	Action    string `cfn:"Action,required" oneof:"sqs:SendMessage"`
	Resource  list   `cfn:"Resource,required"`
	Condition struct {
		ArnLike struct {
			SourceArn string `cfn:"aws:SourceArn,required" match:"^arn:[^*]+:rule/[^*]+(/[*])?$"`
		} `cfn:"ArnLike,required"`
	} `cfn:"Condition,required"`
}

// pattern is an event pattern: any mapping, kept as the JSON that it is to AWS.
type pattern struct{ text string }

func (p *pattern) decode(d *decoder, n *yaml.Node, where string) {
	if n.Kind != yaml.MappingNode {
		d.faults.add(n.Line, where, "want a mapping, not %s", shown(n))
		return
	}
	text, err := json.Marshal(d.plain(n, where))
	if err != nil {
		d.faults.add(n.Line, where, "%v", err)
	}
	p.text = string(text)
}

// plain is a resolved node as encoding/json writes it.
func (d *decoder) plain(n *yaml.Node, where string) any {
	switch {
	case n.Kind == yaml.MappingNode:
		out := map[string]any{}
		for _, p := range pairsOf(n) {
			out[p.key.Value] = d.plain(p.value, where+"."+p.key.Value)
		}
		return out
	case n.Kind == yaml.SequenceNode:
		out := []any{}
		for _, item := range n.Content {
			out = append(out, d.plain(item, where))
		}
		return out
	case n.Tag == "!!str":
		return n.Value
	case n.Tag == "!!null":
		return nil
	case n.Tag == "!!bool":
		return n.Value == "true"
	case n.Tag == "!!int", n.Tag == "!!float":
		if _, err := strconv.ParseFloat(n.Value, 64); err == nil {
			return json.Number(n.Value)
		}
	}
	d.faults.add(n.Line, where, "%s can't stand in a pattern", shown(n))
	return nil
}
