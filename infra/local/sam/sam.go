// Package sam reads template.yaml as strictly as a deployment would, and more: it is what the local stack is built
// from, and the check of all that AWS's offline validator doesn't look at (properties of SAM's functions and events,
// routes, schedules, policies).
//
// Reading is two steps, because the stack needs the template's queues before it can say where they are:
//
//	template, err := sam.Read("template.yaml")
//	deployment, err := template.Resolve(sam.Local{Parameters: …})                // tables, queues, routes
//	deployment, err = template.Resolve(sam.Local{Parameters: …, Values: …})      // the same, with the URLs of what runs
//
// Inside, a template goes through four stages, a file each:
//
//	intrinsic.go   !Ref, !GetAtt, !Sub … are replaced by what they stand for; what they point to must exist
//	decode.go      nodes become the structs of schema.go: an unknown property, a wrong type or range is a fault
//	check*.go      rules between resources, and this project's own (a log group each, no wildcard, …)
//	model.go       what is left for the local stack: plain values
//
// Every fault is collected, with its line: a template is mended in one go, not fault by fault.
package sam

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// Template is a template that is YAML; whether it holds, Resolve tells.
type Template struct {
	name string
	root *yaml.Node
}

// Local says what the template's parameters and references are on this machine.
type Local struct {
	// Parameters by name; those with a default may be left out.
	Parameters map[string]string
	// Values replaces what a reference stands for: "UsageBillQueue" is what !Ref gives, "UsageBillQueue.Arn" what
	// !GetAtt gives, "AWS::Region" a pseudo parameter. The rest is made up in AWS's own form.
	Values map[string]string
}

// Fault is one thing wrong with a template.
type Fault struct {
	Line    int
	Where   string // "RechargeFunction.Properties.Timeout"
	Message string
}

// Faults is all that is wrong with a template, by line. It is the error of Resolve.
type Faults struct {
	Name   string
	Faults []Fault
}

func (f *Faults) Error() string {
	lines := make([]string, len(f.Faults))
	for i, fault := range f.Faults {
		lines[i] = fmt.Sprintf("%s:%d: %s: %s", f.Name, fault.Line, fault.Where, fault.Message)
	}
	return strings.Join(lines, "\n")
}

// Read reads a template's file.
func Read(path string) (*Template, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the template: %w", err)
	}
	return Parse(path, text)
}

// Parse reads a template's text; the name stands in front of its faults.
func Parse(name string, text []byte) (*Template, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var document yaml.Node
	if err := decoder.Decode(&document); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: more than one YAML document", name)
	}
	if len(document.Content) != 1 || document.Content[0].Kind != yaml.MappingNode {
		return nil, fmt.Errorf("%s: not a mapping", name)
	}
	return &Template{name: name, root: document.Content[0]}, nil
}

// Resolve checks the whole template and answers what it deploys. Its error is a *Faults.
func (t *Template) Resolve(local Local) (*Deployment, error) {
	faults := &faults{}
	r := newReading(t.root, local, faults)
	r.decodeResources()
	if faults.none() { // a rule between resources needs resources that are what they say
		r.check()
	}
	if !faults.none() {
		return nil, faults.sorted(t.name)
	}
	return r.deployment(), nil
}

// faults collects what is wrong on the way.
type faults struct{ list []Fault }

func (f *faults) none() bool { return len(f.list) == 0 }

func (f *faults) add(line int, where, format string, args ...any) {
	f.list = append(f.list, Fault{Line: line, Where: where, Message: fmt.Sprintf(format, args...)})
}

func (f *faults) sorted(name string) error {
	slices.SortStableFunc(f.list, func(a, b Fault) int { return a.Line - b.Line })
	return &Faults{Name: name, Faults: slices.Compact(f.list)}
}
