package sam

import (
	"maps"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// policies are a function's: documents of its own, and references to managed policies of this template.
type policies struct {
	documents []policyDocument
	managed   []managedReference
}

type managedReference struct {
	value string
	line  int
}

type policyDocument struct {
	Version   string      `cfn:"Version,required" oneof:"2012-10-17"`
	Statement []statement `cfn:"Statement,required" min:"1"`
}

type statement struct {
	Line        int    `cfn:"@line"`
	Sid         string `cfn:"Sid" match:"^[A-Za-z0-9]+$"`
	Effect      string `cfn:"Effect,required" oneof:"Allow|Deny"`
	Action      list   `cfn:"Action,required"`
	Resource    list   `cfn:"Resource"`
	NotResource list   `cfn:"NotResource"`
}

func (p *policies) decode(d *decoder, n *yaml.Node, where string) {
	if n.Kind != yaml.SequenceNode {
		d.faults.add(n.Line, where, "want a list, not %s", shown(n))
		return
	}
	for _, item := range n.Content {
		pairs := pairsOf(item)
		switch {
		case item.Kind == yaml.ScalarNode:
			p.managed = append(p.managed, managedReference{item.Value, item.Line})
		case child(item, "Statement") == nil && len(pairs) == 1:
			d.faults.add(item.Line, where, "policy template %q is refused: SAM's grant more or less than they say; write statements", pairs[0].key.Value)
		default:
			var document policyDocument
			d.into(item, &document, where)
			p.documents = append(p.documents, document)
		}
	}
}

// actions are those that a statement may name: AWS takes any text for an action, and grants nothing by a misspelt one.
// false stands for those that no function may be allowed, only denied.
var actions = map[string]bool{
	"dynamodb:GetItem": true, "dynamodb:BatchGetItem": true, "dynamodb:Query": true,
	"dynamodb:PutItem": true, "dynamodb:UpdateItem": true, "dynamodb:ConditionCheckItem": true,
	"dynamodb:DescribeStream": true, "dynamodb:GetRecords": true, "dynamodb:GetShardIterator": true,

	"dynamodb:DeleteItem": false, "dynamodb:BatchWriteItem": false, "dynamodb:Scan": false,
	"dynamodb:PartiQLSelect": false, "dynamodb:PartiQLInsert": false,
	"dynamodb:PartiQLUpdate": false, "dynamodb:PartiQLDelete": false,
	"dynamodb:UpdateTable": false, "dynamodb:UpdateTimeToLive": false, "dynamodb:DeleteTable": false,

	"sqs:SendMessage": true, "sqs:ReceiveMessage": true, "sqs:DeleteMessage": true,
	"sqs:GetQueueAttributes": true, "sqs:GetQueueUrl": true, "sqs:ChangeMessageVisibility": true,

	"secretsmanager:GetSecretValue": true,

	"events:PutEvents": true,

	"ses:SendEmail": true,

	"aws-marketplace:BatchMeterUsage": true,

	"s3:PutObject": true, "s3:GetObject": true, "s3:AbortMultipartUpload": true, "s3:DeleteObject": false,
}

// unscoped are the actions that AWS knows no resources for: they are allowed on "*", and alone in their statement.
var unscoped = map[string]bool{"aws-marketplace:BatchMeterUsage": true}

func (r *reading) checkStatement(s statement, where string) {
	allow := s.Effect == "Allow"
	if allow && s.NotResource != nil {
		r.faults.add(s.Line, where, "an Allow with NotResource grants all the rest")
	}
	if (len(s.Resource) == 0) == (len(s.NotResource) == 0) {
		r.faults.add(s.Line, where, "want either Resource or NotResource")
	}
	for _, action := range s.Action {
		grantable, known := actions[action]
		switch {
		case strings.ContainsAny(action, "*?"):
			r.faults.add(s.Line, where, "wildcard in action %q", action)
		case !known:
			r.faults.add(s.Line, where, "unknown action %q", action)
		case allow && !grantable:
			r.faults.add(s.Line, where, "no function may be allowed %s", action)
		}
	}
	for _, resource := range slices.Concat(s.Resource, s.NotResource) {
		r.checkStatementResource(s, resource, where)
	}
}

// checkStatementResource also finds a statement whose actions belong to another service than its resource: it grants
// nothing, and AWS doesn't say so.
func (r *reading) checkStatementResource(s statement, resource, where string) {
	parts := strings.SplitN(resource, ":", 4)
	switch {
	case resource == "*" && !slices.ContainsFunc(s.Action, func(action string) bool { return !unscoped[action] }):
		return
	case strings.ContainsAny(resource, "*?") && !r.isFolder(resource):
		r.faults.add(s.Line, where, "wildcard in resource %q", resource)
		return
	case len(parts) < 4 || parts[0] != "arn":
		r.faults.add(s.Line, where, "resource %q is no ARN", resource)
		return
	}
	for _, action := range s.Action {
		if service, _, _ := strings.Cut(action, ":"); service != parts[2] {
			r.faults.add(s.Line, where, "%s doesn't act on %s", action, resource)
		}
	}
}

// allows tells whether a function's own statements allow an action on a resource.
func (f *function) allows(action, resource string) bool {
	for _, document := range f.Policies.documents {
		for _, s := range document.Statement {
			if s.Effect == "Allow" && slices.Contains(s.Action, action) && slices.Contains(s.Resource, resource) {
				return true
			}
		}
	}
	return false
}

// checkPolicies also holds the environment against the statements: a function that is told of a secret or a queue must
// be allowed to use it, and one that isn't told must not be.
func (r *reading) checkPolicies(id string, f *function) {
	where := id + ".Properties.Policies"
	for _, managed := range f.Policies.managed {
		if _, ok := r.references.owner(managed.value, "AWS::IAM::ManagedPolicy", ""); !ok {
			r.faults.add(managed.line, where, "%q is no managed policy of this template", managed.value)
		}
	}
	told := map[string]bool{}
	for _, value := range f.Environment.Variables {
		told[value] = true
	}
	for _, document := range f.Policies.documents {
		for _, s := range document.Statement {
			r.checkStatement(s, where+"."+s.Sid)
			if s.Effect != "Allow" || !slices.Contains(s.Action, "secretsmanager:GetSecretValue") {
				continue
			}
			for _, arn := range s.Resource {
				if !told[arn] {
					r.faults.add(s.Line, where+"."+s.Sid, "may read %s, but isn't told of it in Environment", arn)
				}
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(f.Environment.Variables)) {
		value := f.Environment.Variables[name]
		if r.isSecret(name, value) && !f.allows("secretsmanager:GetSecretValue", value) {
			r.faults.add(f.Line, id+".Properties.Environment."+name, "names a secret that the function may not read")
		}
	}
}

func (r *reading) isSecret(name, value string) bool {
	_, ours := r.references.owner(value, "AWS::SecretsManager::Secret", "")
	return ours || strings.HasSuffix(name, "SECRET_ARN")
}
