package sam

import (
	"regexp"
	"strings"

	"gopkg.in/yaml.v3"
)

// resolve answers a copy of the node in which every intrinsic is replaced by what it stands for; nil is AWS::NoValue.
// from is the resource that what is referred to must be there before, "" for none.
func (r *references) resolve(n *yaml.Node, where, from string) *yaml.Node {
	if name, argument := intrinsic(n); name != "" {
		return r.apply(name, argument, where, from)
	}
	switch n.Kind {
	case yaml.MappingNode:
		out := *n
		out.Content = nil
		for _, p := range pairsOf(n) {
			needs := from
			if where == from+".Properties" && p.key.Value == "Events" {
				needs = "" // an event's API or queue waits for the function, not the other way round
			}
			if value := r.resolve(p.value, where+"."+p.key.Value, needs); value != nil {
				out.Content = append(out.Content, p.key, value)
			}
		}
		return &out
	case yaml.SequenceNode:
		out := *n
		out.Content = nil
		for _, item := range n.Content {
			if value := r.resolve(item, where, from); value != nil {
				out.Content = append(out.Content, value)
			}
		}
		return &out
	default:
		out := *n
		if !strings.HasPrefix(out.Tag, "!!") {
			r.faults.add(n.Line, where, "unknown intrinsic %s", n.Tag)
		}
		return &out
	}
}

// intrinsic tells an intrinsic by its tag (!Sub) or by its long form ({Fn::Sub: …}): its name and argument.
func intrinsic(n *yaml.Node) (name string, argument *yaml.Node) {
	if strings.HasPrefix(n.Tag, "!") && !strings.HasPrefix(n.Tag, "!!") {
		return n.Tag[1:], n
	}
	if pairs := pairsOf(n); len(pairs) == 1 {
		key := pairs[0].key.Value
		if long, ok := strings.CutPrefix(key, "Fn::"); ok || key == "Ref" {
			return long, pairs[0].value
		}
	}
	return "", nil
}

func (r *references) apply(name string, n *yaml.Node, where, from string) *yaml.Node {
	switch name {
	case "Ref":
		if n.Value == "AWS::NoValue" {
			return nil
		}
		return r.lookUp(n.Value, n.Line, where, from)
	case "GetAtt":
		target := n.Value
		if len(n.Content) == 2 {
			target = n.Content[0].Value + "." + n.Content[1].Value
		}
		if !strings.Contains(target, ".") {
			target += "." // an attribute, or it would be a !Ref
		}
		return r.lookUp(target, n.Line, where, from)
	case "Sub":
		return r.substitute(n, where, from)
	case "Join":
		return r.join(n, where, from)
	case "Split":
		return r.split(n, where, from)
	case "If":
		return r.choose(n, where, from)
	default:
		r.faults.add(n.Line, where, "unknown intrinsic !%s", name)
		return text("", n.Line)
	}
}

var placeholder = regexp.MustCompile(`\$\{([^}]*)\}`)

// substitute is !Sub "…${Name}…", or !Sub ["…", {Name: value}].
func (r *references) substitute(n *yaml.Node, where, from string) *yaml.Node {
	format, own := n, (*yaml.Node)(nil)
	if n.Kind == yaml.SequenceNode && len(n.Content) == 2 {
		format, own = n.Content[0], n.Content[1]
	}
	if format.Kind != yaml.ScalarNode {
		r.faults.add(n.Line, where, "!Sub takes a text, or a text and a mapping")
		return text("", n.Line)
	}
	return text(placeholder.ReplaceAllStringFunc(format.Value, func(match string) string {
		name := match[2 : len(match)-1]
		if literal, ok := strings.CutPrefix(name, "!"); ok {
			return "${" + literal + "}"
		}
		if value := child(own, name); value != nil {
			return r.scalar(value, where, from)
		}
		return r.lookUp(name, n.Line, where, from).Value
	}), n.Line)
}

func (r *references) join(n *yaml.Node, where, from string) *yaml.Node {
	if len(n.Content) != 2 {
		r.faults.add(n.Line, where, "!Join takes a delimiter and a list")
		return text("", n.Line)
	}
	parts := r.resolve(n.Content[1], where, from)
	if parts == nil || parts.Kind != yaml.SequenceNode {
		r.faults.add(n.Line, where, "!Join takes a list")
		return text("", n.Line)
	}
	values := make([]string, len(parts.Content))
	for i, part := range parts.Content {
		values[i] = part.Value
	}
	return text(strings.Join(values, n.Content[0].Value), n.Line)
}

func (r *references) split(n *yaml.Node, where, from string) *yaml.Node {
	out := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Line: n.Line}
	if len(n.Content) != 2 || n.Content[0].Value == "" {
		r.faults.add(n.Line, where, "!Split takes a delimiter and a text")
		return out
	}
	for part := range strings.SplitSeq(r.scalar(n.Content[1], where, from), n.Content[0].Value) {
		out.Content = append(out.Content, text(part, n.Line))
	}
	return out
}

func (r *references) choose(n *yaml.Node, where, from string) *yaml.Node {
	if len(n.Content) != 3 {
		r.faults.add(n.Line, where, "!If takes a condition and two values")
		return text("", n.Line)
	}
	condition, known := r.conditions[n.Content[0].Value]
	if !known {
		r.faults.add(n.Line, where, "no condition %q", n.Content[0].Value)
	}
	// Both sides are resolved, so that the one not taken is checked too.
	yes, no := r.resolve(n.Content[1], where, from), r.resolve(n.Content[2], where, from)
	if condition {
		return yes
	}
	return no
}

// truth evaluates a condition.
func (r *references) truth(n *yaml.Node, where string) bool {
	name, argument := intrinsic(n)
	switch {
	case name == "Equals" && len(argument.Content) == 2:
		return r.scalar(argument.Content[0], where, "") == r.scalar(argument.Content[1], where, "")
	case name == "Not" && len(argument.Content) == 1:
		return !r.truth(argument.Content[0], where)
	default:
		r.faults.add(n.Line, where, "a condition is !Equals [a, b] or !Not [condition]")
		return false
	}
}

// scalar is the text that a node stands for.
func (r *references) scalar(n *yaml.Node, where, from string) string {
	resolved := r.resolve(n, where, from)
	if resolved == nil || resolved.Kind != yaml.ScalarNode {
		r.faults.add(n.Line, where, "want a text here")
		return ""
	}
	return resolved.Value
}
