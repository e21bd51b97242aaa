// Package eventpattern is AWS's language of event patterns, as rules of EventBridge and filters of Lambda's event sources
// have it: what a pattern may say, and what matches it.
package eventpattern

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// maxPattern is what AWS takes for a pattern, in bytes.
const maxPattern = 4096

// Pattern is an event pattern: a mapping in which every leaf is a list of conditions, any of which will do.
type Pattern struct{ fields map[string]node }

// node is a mapping below a pattern's field, or the conditions on it.
type node struct {
	below      *Pattern
	conditions []condition
}

// condition tells whether a field's value will do. there is false when the event has no such field.
type condition func(value any, there bool) bool

// Parse reads a pattern, and refuses what AWS would, and operators that aren't simulated.
func Parse(text []byte) (Pattern, error) {
	if len(text) > maxPattern {
		return Pattern{}, fmt.Errorf("%d bytes are more than the %d of a pattern", len(text), maxPattern)
	}
	value, err := Decode(text)
	if err != nil {
		return Pattern{}, err
	}
	object, ok := value.(map[string]any)
	if !ok {
		return Pattern{}, errors.New("a pattern is an object")
	}
	return parseObject(object, "")
}

func parseObject(object map[string]any, where string) (Pattern, error) {
	if len(object) == 0 {
		return Pattern{}, fmt.Errorf("%q is an empty object", where)
	}
	p := Pattern{fields: map[string]node{}}
	for name, value := range object {
		at := strings.TrimPrefix(where+"."+name, ".")
		switch v := value.(type) {
		case map[string]any:
			below, err := parseObject(v, at)
			if err != nil {
				return Pattern{}, err
			}
			p.fields[name] = node{below: &below}
		case []any:
			conditions, err := parseConditions(v, at)
			if err != nil {
				return Pattern{}, err
			}
			p.fields[name] = node{conditions: conditions}
		default:
			return Pattern{}, fmt.Errorf("%q must be an object or an array", at)
		}
	}
	return p, nil
}

func parseConditions(list []any, where string) ([]condition, error) {
	if len(list) == 0 {
		return nil, fmt.Errorf("%q is an empty array", where)
	}
	conditions := make([]condition, len(list))
	for i, item := range list {
		operator, ok := item.(map[string]any)
		if !ok {
			if _, nested := item.([]any); nested {
				return nil, fmt.Errorf("%q has an array within its array", where)
			}
			conditions[i] = any1(func(v any) bool { return v == item })
			continue
		}
		c, err := parseOperator(operator)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", where, err)
		}
		conditions[i] = c
	}
	return conditions, nil
}

// any1 is a condition that holds when it does for the value, or for one of the values of a list.
func any1(holds func(value any) bool) condition {
	return func(value any, there bool) bool {
		if list, ok := value.([]any); ok {
			return there && slices.ContainsFunc(list, holds)
		}
		return there && holds(value)
	}
}

func parseOperator(operator map[string]any) (condition, error) {
	if len(operator) != 1 {
		return nil, errors.New("want one operator in an object")
	}
	for name, operand := range operator {
		switch name {
		case "prefix", "suffix", "equals-ignore-case":
			holds, err := textual(name, operand)
			return any1(holds), err
		case "exists":
			want, ok := operand.(bool)
			if !ok {
				return nil, errors.New("exists wants true or false")
			}
			return func(_ any, there bool) bool { return there == want }, nil
		case "numeric":
			holds, err := numeric(operand)
			return any1(holds), err
		case "anything-but":
			holds, err := anythingBut(operand)
			return any1(holds), err
		default:
			return nil, fmt.Errorf("unknown operator %q", name)
		}
	}
	return nil, nil
}

// textual are the operators on texts.
func textual(name string, operand any) (func(any) bool, error) {
	want, ok := operand.(string)
	if !ok || want == "" {
		return nil, fmt.Errorf("%s wants a text", name)
	}
	compare := map[string]func(s, part string) bool{
		"prefix": strings.HasPrefix, "suffix": strings.HasSuffix, "equals-ignore-case": strings.EqualFold,
	}[name]
	return func(v any) bool {
		text, ok := v.(string)
		return ok && compare(text, want)
	}, nil
}

// anythingBut takes a text, a number, a list of either, or one textual operator.
func anythingBut(operand any) (func(any) bool, error) {
	switch v := operand.(type) {
	case string, json.Number:
		return func(value any) bool { return value != v }, nil
	case []any:
		if len(v) == 0 {
			return nil, errors.New("anything-but of nothing")
		}
		for _, item := range v {
			if fmt.Sprintf("%T", item) != fmt.Sprintf("%T", v[0]) {
				return nil, errors.New("anything-but wants only texts, or only numbers")
			}
		}
		return func(value any) bool { return !slices.Contains(v, value) }, nil
	case map[string]any:
		for name, of := range v {
			if name != "prefix" && name != "suffix" && name != "equals-ignore-case" || len(v) != 1 {
				break
			}
			holds, err := textual(name, of)
			return func(value any) bool { return !holds(value) }, err
		}
	}
	return nil, errors.New("anything-but wants a text, a number, a list of one of them, or prefix, suffix, equals-ignore-case")
}

// numeric is a list of one or two comparisons: ["=", 5], [">", 0, "<=", 5].
func numeric(operand any) (func(any) bool, error) {
	list, ok := operand.([]any)
	if !ok || len(list) != 2 && len(list) != 4 {
		return nil, errors.New(`numeric wants a list such as [">", 0, "<=", 5]`)
	}
	var all []func(float64) bool
	for i := 0; i < len(list); i += 2 {
		sign, _ := list[i].(string)
		compare := map[string]func(a, b float64) bool{
			"=": func(a, b float64) bool { return a == b }, "<": func(a, b float64) bool { return a < b },
			"<=": func(a, b float64) bool { return a <= b }, ">": func(a, b float64) bool { return a > b },
			">=": func(a, b float64) bool { return a >= b },
		}[sign]
		bound, ok := number(list[i+1])
		if compare == nil || !ok {
			return nil, fmt.Errorf("numeric can't compare by %v %v", list[i], list[i+1])
		}
		all = append(all, func(n float64) bool { return compare(n, bound) })
	}
	return func(v any) bool {
		n, ok := number(v)
		return ok && !slices.ContainsFunc(all, func(holds func(float64) bool) bool { return !holds(n) })
	}, nil
}

// number is a JSON number within what numeric compares: ±5,000,000,000.
func number(v any) (float64, bool) {
	text, ok := v.(json.Number)
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseFloat(text.String(), 64)
	return n, err == nil && n >= -5e9 && n <= 5e9
}

// Matches tells whether an event (its JSON) is what the pattern describes.
func (p Pattern) Matches(event []byte) bool {
	value, err := Decode(event)
	return err == nil && p.matches(value)
}

// matches holds every field against the value. A list of objects matches when one of them does.
func (p Pattern) matches(value any) bool {
	if list, ok := value.([]any); ok {
		return slices.ContainsFunc(list, p.matches)
	}
	object, _ := value.(map[string]any) // of anything else every field is absent
	for name, n := range p.fields {
		field, there := object[name]
		switch {
		case n.below != nil && !n.below.matches(field):
			return false
		case n.below == nil && !slices.ContainsFunc(n.conditions, func(holds condition) bool { return holds(field, there) }):
			return false
		}
	}
	return true
}

// Decode reads one JSON value; numbers stay as they are written.
func Decode(text []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var value any
	if err := d.Decode(&value); err != nil {
		return nil, fmt.Errorf("no JSON: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one JSON value")
	}
	return value, nil
}
