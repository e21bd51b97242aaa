package sam

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// references knows what every !Ref and !GetAtt stands for, and keeps book of who refers to whom.
type references struct {
	faults     *faults
	resources  map[string]*resource
	conditions map[string]bool
	parameters map[string]*yaml.Node // their values, tagged !!str or !!int
	lines      map[string]int        // where the parameters are declared
	used       map[string]bool
	values     map[string]string   // "UsageBillQueue.Arn" → what it stands for
	edges      map[string][]string // resource → the resources that must be there first
}

// reference is one attribute of one resource; the attribute that !Ref gives is "".
type reference struct{ id, attribute string }

func (ref reference) String() string {
	if ref.attribute == "" {
		return ref.id
	}
	return ref.id + "." + ref.attribute
}

// attributes are what can be referred to, by type, in the form that AWS gives it. {name} is the resource's name.
var attributes = map[string]map[string]string{
	"AWS::Serverless::Function": {"": "{name}", "Arn": "arn:{p}:lambda:{r}:{a}:function:{name}"},
	"AWS::Serverless::HttpApi":  {"": "{name}", "ApiEndpoint": "https://{name}.execute-api.{r}.amazonaws.com"},
	"AWS::DynamoDB::Table": {
		"": "{name}", "Arn": "arn:{p}:dynamodb:{r}:{a}:table/{name}",
		"StreamArn": "arn:{p}:dynamodb:{r}:{a}:table/{name}/stream/2026-01-01T00:00:00.000",
	},
	"AWS::SQS::Queue": {
		"": "https://sqs.{r}.amazonaws.com/{a}/{name}", "Arn": "arn:{p}:sqs:{r}:{a}:{name}",
		"QueueName": "{name}", "QueueUrl": "https://sqs.{r}.amazonaws.com/{a}/{name}",
	},
	"AWS::SecretsManager::Secret": {"": "arn:{p}:secretsmanager:{r}:{a}:secret:{name}"},
	"AWS::Logs::LogGroup":         {"": "{name}", "Arn": "arn:{p}:logs:{r}:{a}:log-group:{name}"},
	"AWS::IAM::ManagedPolicy":     {"": "arn:{p}:iam::{a}:policy/{name}", "PolicyArn": "arn:{p}:iam::{a}:policy/{name}"},
	"AWS::CloudWatch::Alarm":      {"": "{name}", "Arn": "arn:{p}:cloudwatch:{r}:{a}:alarm:{name}"},
	"AWS::CloudWatch::Dashboard":  {"": "{name}"},
	"AWS::Events::EventBus":       {"": "{name}", "Arn": "arn:{p}:events:{r}:{a}:event-bus/{name}"},
	"AWS::Events::Rule":           {"": "{name}", "Arn": "arn:{p}:events:{r}:{a}:rule/{name}"},
	"AWS::SQS::QueuePolicy":       {"": "{name}"},
	"AWS::SES::ConfigurationSet":  {"": "{name}"},
	"AWS::S3::Bucket":             {"": "{name}", "Arn": "arn:{p}:s3:::{name}"},
	"AWS::S3::BucketPolicy":       {"": "{name}"},
}

// nameProperties are the properties by which a resource is given a name instead of its id.
var nameProperties = map[string]string{
	"AWS::DynamoDB::Table": "TableName", "AWS::SQS::Queue": "QueueName", "AWS::Logs::LogGroup": "LogGroupName",
	"AWS::SES::ConfigurationSet": "Name",
	"AWS::CloudWatch::Dashboard": "DashboardName", "AWS::Serverless::HttpApi": "Name", "AWS::Events::EventBus": "Name", "AWS::S3::Bucket": "BucketName",
}

func newReferences(root *yaml.Node, local Local, resources map[string]*resource, faults *faults) *references {
	r := &references{
		faults: faults, resources: resources,
		conditions: map[string]bool{}, parameters: map[string]*yaml.Node{}, lines: map[string]int{},
		used: map[string]bool{}, edges: map[string][]string{},
		values: map[string]string{
			"AWS::Region": "us-east-1", "AWS::AccountId": "000000000000", "AWS::Partition": "aws", "AWS::StackName": "local",
		},
	}
	for name, value := range local.Values {
		if _, pseudo := r.values[name]; pseudo {
			r.values[name] = value
		}
	}
	r.readParameters(child(root, "Parameters"), local.Parameters)
	for _, id := range slices.Sorted(maps.Keys(resources)) {
		r.name(resources[id], local.Values)
	}
	for _, name := range slices.Sorted(maps.Keys(local.Values)) {
		if _, known := r.values[name]; !known {
			faults.add(root.Line, name, "a local value for what isn't in the template")
		}
	}
	for _, p := range pairsOf(child(root, "Conditions")) {
		r.conditions[p.key.Value] = r.truth(p.value, "Conditions."+p.key.Value)
	}
	return r
}

// name gives each attribute of a resource its value.
func (r *references) name(res *resource, local map[string]string) {
	name := res.id
	if given := child(child(res.node, "Properties"), nameProperties[res.kind]); given != nil {
		if resolved := r.resolve(given, res.id, ""); resolved != nil {
			name = resolved.Value
		}
	}
	form := strings.NewReplacer("{name}", name, "{r}", r.values["AWS::Region"], "{a}", r.values["AWS::AccountId"], "{p}", r.values["AWS::Partition"])
	for _, attribute := range slices.Sorted(maps.Keys(attributes[res.kind])) {
		ref := reference{res.id, attribute}
		value, given := local[ref.String()]
		if !given {
			value = form.Replace(attributes[res.kind][attribute])
		}
		r.values[ref.String()] = value
	}
}

// owner is the resource of a type that a value stands for: an ARN's queue, a name's log group.
func (r *references) owner(value, kind, attribute string) (string, bool) {
	for id, res := range r.resources {
		if res.kind == kind && r.values[reference{id, attribute}.String()] == value {
			return id, true
		}
	}
	return "", false
}

func (r *references) edge(from, to string) {
	if from != "" && from != to && !slices.Contains(r.edges[from], to) {
		r.edges[from] = append(r.edges[from], to)
	}
}

// lookUp is what a name in !Ref, !GetAtt or ${} stands for.
func (r *references) lookUp(name string, line int, where, from string) *yaml.Node {
	if parameter, ok := r.parameters[name]; ok {
		r.used[name] = true
		at := *parameter
		at.Line = line
		return &at
	}
	id, _, _ := strings.Cut(name, ".")
	if r.resources[id] != nil {
		r.edge(from, id)
	}
	if value, ok := r.values[name]; ok {
		return text(value, line)
	}
	if res := r.resources[id]; res != nil {
		r.faults.add(line, where, "%s has no attribute %q", res.kind, strings.TrimPrefix(name, id+"."))
	} else {
		r.faults.add(line, where, "nothing is called %q", name)
	}
	return text("", line)
}

// unused tells of parameters that nothing refers to.
func (r *references) unused() {
	for _, name := range slices.Sorted(maps.Keys(r.parameters)) {
		if !r.used[name] {
			r.faults.add(r.lines[name], "Parameters."+name, "nothing refers to it")
		}
	}
}

// parameter is the declaration of a parameter.
type parameter struct {
	Line           int        `cfn:"@line"`
	Type           string     `cfn:"Type,required" oneof:"String|Number"`
	Description    string     `cfn:"Description"`
	Default        properties `cfn:"Default"`
	AllowedValues  properties `cfn:"AllowedValues"`
	AllowedPattern string     `cfn:"AllowedPattern"`
	MinLength      *int       `cfn:"MinLength"`
	MinValue       *int       `cfn:"MinValue"`
	MaxValue       *int       `cfn:"MaxValue"`
	NoEcho         bool       `cfn:"NoEcho"`
}

func (r *references) readParameters(node *yaml.Node, given map[string]string) {
	d := &decoder{r.faults}
	for _, p := range pairsOf(node) {
		var declared parameter
		name, where := p.key.Value, "Parameters."+p.key.Value
		d.into(p.value, &declared, where)
		value, ok := given[name]
		switch {
		case ok:
		case declared.Default.node != nil:
			value = declared.Default.node.Value
		default:
			r.faults.add(p.key.Line, where, "needs a value: it has no default")
		}
		r.lines[name] = p.key.Line
		r.parameters[name] = text(value, p.key.Line)
		if declared.Type == "Number" {
			r.parameters[name].Tag = "!!int"
		}
		if problem := declared.problem(value); problem != "" {
			r.faults.add(p.key.Line, where, "%s", problem)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if r.parameters[name] == nil {
			r.faults.add(1, "Parameters."+name, "a value for a parameter that isn't in the template")
		}
	}
}

// problem is what is wrong with a parameter's value, "" for nothing.
func (p parameter) problem(value string) string {
	if p.Type == "Number" {
		n, err := strconv.Atoi(value)
		if err != nil {
			return fmt.Sprintf("want a whole number, not %q", value)
		}
		if p.MinValue != nil && n < *p.MinValue || p.MaxValue != nil && n > *p.MaxValue {
			return fmt.Sprintf("%d is out of range", n)
		}
	}
	if p.MinLength != nil && len(value) < *p.MinLength {
		return fmt.Sprintf("want at least %d characters", *p.MinLength)
	}
	if allowed := p.AllowedValues.node; allowed != nil {
		if !slices.ContainsFunc(allowed.Content, func(n *yaml.Node) bool { return n.Value == value }) {
			return fmt.Sprintf("%q is none of the allowed values", value)
		}
	}
	pattern, err := regexp.Compile(p.AllowedPattern)
	if err != nil {
		return fmt.Sprintf("AllowedPattern: %v", err)
	}
	if !pattern.MatchString(value) {
		return fmt.Sprintf("%q doesn't match %s", value, p.AllowedPattern)
	}
	return ""
}

// text is a node that holds a text, as if it stood in the template quoted.
func text(value string, line int) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: value, Style: yaml.DoubleQuotedStyle, Line: line}
}
