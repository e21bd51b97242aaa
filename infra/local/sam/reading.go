package sam

import (
	"maps"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// reading is a template while it is being read.
type reading struct {
	root       *yaml.Node
	faults     *faults
	references *references
	resources  map[string]*resource
	outputs    map[string]string
}

// resource is one block under Resources, its properties resolved, and decoded by its type.
type resource struct {
	id, kind string
	line     int
	node     *yaml.Node

	DependsOn           list
	DeletionPolicy      string
	UpdateReplacePolicy string
	BuildMethod         string
	body                any
}

// kinds are the types of resource there may be, and what their properties are read into.
var kinds = map[string]func() any{
	"AWS::Serverless::Function":   func() any { return new(function) },
	"AWS::Serverless::HttpApi":    func() any { return new(httpAPI) },
	"AWS::DynamoDB::Table":        func() any { return new(table) },
	"AWS::SQS::Queue":             func() any { return new(queue) },
	"AWS::SecretsManager::Secret": func() any { return new(secret) },
	"AWS::Logs::LogGroup":         func() any { return new(logGroup) },
	"AWS::IAM::ManagedPolicy":     func() any { return new(managedPolicy) },
	"AWS::Events::EventBus":       func() any { return new(eventBus) },
	"AWS::Events::Rule":           func() any { return new(eventRule) },
	"AWS::SQS::QueuePolicy":       func() any { return new(queuePolicy) },
	"AWS::SES::ConfigurationSet":  func() any { return new(configurationSet) },
	"AWS::S3::Bucket":             func() any { return new(bucket) },
	"AWS::S3::BucketPolicy":       func() any { return new(bucketPolicy) },
	"AWS::CloudWatch::Alarm":      func() any { return new(alarm) },
	"AWS::CloudWatch::Dashboard":  func() any { return new(dashboard) },

	"AWS::SES::ConfigurationSetEventDestination": func() any { return new(setDestination) },
}

var sections = []string{
	"AWSTemplateFormatVersion", "Transform", "Description", "Parameters", "Conditions", "Globals", "Resources", "Outputs",
}

func newReading(root *yaml.Node, local Local, faults *faults) *reading {
	r := &reading{root: root, faults: faults, resources: map[string]*resource{}, outputs: map[string]string{}}
	r.refuseDuplicates(root, "template")
	for _, p := range pairsOf(root) {
		if !slices.Contains(sections, p.key.Value) {
			faults.add(p.key.Line, p.key.Value, "unknown section")
		}
	}
	if transform := child(root, "Transform"); transform == nil || transform.Value != "AWS::Serverless-2016-10-31" {
		faults.add(root.Line, "Transform", "must be AWS::Serverless-2016-10-31")
	}
	for _, p := range pairsOf(child(root, "Resources")) {
		r.addResource(p.key, p.value)
	}
	r.references = newReferences(root, local, r.resources, faults)
	return r
}

func (r *reading) addResource(key, node *yaml.Node) {
	id, kind := key.Value, child(node, "Type")
	switch {
	case kind == nil:
		r.faults.add(key.Line, id, "Type is missing")
	case kinds[kind.Value] == nil:
		r.faults.add(kind.Line, id+".Type", "unknown resource type %q", kind.Value)
	default:
		r.resources[id] = &resource{id: id, kind: kind.Value, line: key.Line, node: node}
	}
}

// decodeResources resolves and decodes every block; afterwards each resource has its body.
func (r *reading) decodeResources() {
	d := &decoder{r.faults}
	globals := r.functionGlobals(d)
	for _, id := range slices.Sorted(maps.Keys(r.resources)) {
		r.decodeResource(d, r.resources[id], globals)
	}
	for _, p := range pairsOf(child(r.root, "Outputs")) {
		var form struct {
			Description string `cfn:"Description"`
			Value       string `cfn:"Value,required"`
		}
		where := "Outputs." + p.key.Value
		if resolved := r.references.resolve(p.value, where, ""); resolved != nil {
			d.into(resolved, &form, where)
		}
		r.outputs[p.key.Value] = form.Value
	}
	r.references.unused()
}

func (r *reading) decodeResource(d *decoder, res *resource, globals *yaml.Node) {
	resolved := r.references.resolve(res.node, res.id, res.id)
	if resolved == nil {
		r.faults.add(res.line, res.id, "has no value")
		return
	}
	var form struct {
		Type                string     `cfn:"Type,required"`
		DependsOn           list       `cfn:"DependsOn"`
		DeletionPolicy      string     `cfn:"DeletionPolicy" oneof:"Retain|Delete"`
		UpdateReplacePolicy string     `cfn:"UpdateReplacePolicy" oneof:"Retain|Delete"`
		Metadata            metadata   `cfn:"Metadata"`
		Properties          properties `cfn:"Properties"`
	}
	d.into(resolved, &form, res.id)
	res.DependsOn, res.BuildMethod = form.DependsOn, form.Metadata.BuildMethod
	res.DeletionPolicy, res.UpdateReplacePolicy = form.DeletionPolicy, form.UpdateReplacePolicy
	for _, on := range form.DependsOn {
		r.references.edge(res.id, on)
		if r.resources[on] == nil {
			r.faults.add(res.line, res.id+".DependsOn", "no resource %q", on)
		}
	}
	own := form.Properties.node
	if own == nil {
		own = &yaml.Node{Kind: yaml.MappingNode, Line: res.line}
	}
	if res.kind == "AWS::Serverless::Function" {
		own = merged(globals, own)
	}
	res.body = kinds[res.kind]()
	d.into(own, res.body, res.id+".Properties")
}

type metadata struct {
	BuildMethod string `cfn:"BuildMethod"`
}

// functionGlobals is the resolved block under Globals.Function. References in it count for each function only when
// they are merged; none of them points to what points back, since a global can't know the function.
func (r *reading) functionGlobals(d *decoder) *yaml.Node {
	node := child(r.root, "Globals")
	if node == nil {
		return nil
	}
	var form struct {
		Function properties `cfn:"Function"`
	}
	if resolved := r.references.resolve(node, "Globals", ""); resolved != nil {
		d.into(resolved, &form, "Globals")
	}
	return form.Function.node
}

// merged is SAM's rule for Globals: mappings are merged, lists are added up, anything else is overridden.
func merged(global, own *yaml.Node) *yaml.Node {
	switch {
	case global == nil:
		return own
	case own == nil:
		return global
	case global.Kind == yaml.SequenceNode && own.Kind == yaml.SequenceNode:
		both := *own
		both.Content = slices.Concat(global.Content, own.Content)
		return &both
	case global.Kind != yaml.MappingNode || own.Kind != yaml.MappingNode:
		return own
	}
	both := *own
	both.Content = slices.Clone(own.Content)
	for _, p := range pairsOf(global) {
		at := slices.IndexFunc(pairsOf(own), func(mine pair) bool { return mine.key.Value == p.key.Value })
		if at < 0 {
			both.Content = append(both.Content, p.key, p.value)
			continue
		}
		both.Content[2*at+1] = merged(p.value, own.Content[2*at+1])
	}
	return &both
}

// refuseDuplicates also refuses aliases and merge keys: CloudFormation takes neither.
func (r *reading) refuseDuplicates(n *yaml.Node, where string) {
	if n.Kind == yaml.AliasNode || n.Anchor != "" {
		r.faults.add(n.Line, where, "CloudFormation takes no YAML anchors and aliases")
		return
	}
	seen := map[string]bool{}
	for _, p := range pairsOf(n) {
		if seen[p.key.Value] {
			r.faults.add(p.key.Line, where+"."+p.key.Value, "stands here twice")
		}
		seen[p.key.Value] = true
		r.refuseDuplicates(p.value, strings.TrimPrefix(where+"."+p.key.Value, "template."))
	}
	if n.Kind == yaml.SequenceNode {
		for _, item := range n.Content {
			r.refuseDuplicates(item, where)
		}
	}
}

// bodies are the resources of one type, by id.
func bodies[T any](r *reading) map[string]*T {
	found := map[string]*T{}
	for id, res := range r.resources {
		if body, ok := res.body.(*T); ok {
			found[id] = body
		}
	}
	return found
}
