package sam

import (
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// decoder fills structs from resolved nodes. yaml.v3 could decode them too, but it refuses unknown fields only when it
// reads text, not nodes, and it turns a wrong type into a zero here and there.
//
// A field's tags are its schema: `cfn:"Name"` or `cfn:"Name,required"`, and optionally min, max (whole numbers,
// lengths of lists), oneof ("a|b") and match (a regular expression). A field tagged `cfn:"@line"` gets the line.
type decoder struct{ faults *faults }

// selfDecoding is a type whose form depends on what it finds.
type selfDecoding interface {
	decode(d *decoder, n *yaml.Node, where string)
}

// one or many: AWS takes "x" for ["x"] in policies.
type list []string

func (l *list) decode(d *decoder, n *yaml.Node, where string) {
	if n.Kind == yaml.ScalarNode {
		n = &yaml.Node{Kind: yaml.SequenceNode, Line: n.Line, Content: []*yaml.Node{n}}
	}
	var plain []string
	d.value(n, reflect.ValueOf(&plain).Elem(), where, "")
	*l = plain
}

// into fills the struct (or other value) that target points to.
func (d *decoder) into(n *yaml.Node, target any, where string) {
	d.value(n, reflect.ValueOf(target).Elem(), where, "")
}

func (d *decoder) value(n *yaml.Node, v reflect.Value, where string, tag reflect.StructTag) {
	if self, ok := v.Addr().Interface().(selfDecoding); ok {
		self.decode(d, n, where)
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		d.structure(n, v, where)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		d.value(n, v.Elem(), where, tag)
	case reflect.Slice:
		d.sequence(n, v, where, tag)
	case reflect.Map:
		d.mapping(n, v, where)
	case reflect.String, reflect.Int, reflect.Bool:
		d.scalar(n, v, where, tag)
	default:
		panic("sam: no schema of kind " + v.Kind().String()) // a fault of schema.go, not of a template
	}
}

func (d *decoder) structure(n *yaml.Node, v reflect.Value, where string) {
	pairs, ok := d.pairs(n, where)
	if !ok {
		return
	}
	known := map[string]bool{}
	for i := range v.NumField() {
		field := v.Type().Field(i)
		name, rest, _ := strings.Cut(field.Tag.Get("cfn"), ",")
		if name == "@line" {
			v.Field(i).SetInt(int64(n.Line))
			continue
		}
		known[name] = true
		at := slices.IndexFunc(pairs, func(p pair) bool { return p.key.Value == name })
		switch {
		case at >= 0:
			d.value(pairs[at].value, v.Field(i), where+"."+name, field.Tag)
		case rest == "required":
			d.faults.add(n.Line, where, "%s is missing", name)
		}
	}
	for _, p := range pairs {
		if !known[p.key.Value] {
			d.faults.add(p.key.Line, where+"."+p.key.Value, "unknown property")
		}
	}
}

func (d *decoder) sequence(n *yaml.Node, v reflect.Value, where string, tag reflect.StructTag) {
	if n.Kind != yaml.SequenceNode {
		d.faults.add(n.Line, where, "want a list, not %s", shown(n))
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content)))
	for i, item := range n.Content {
		d.value(item, v.Index(i), where+"["+strconv.Itoa(i)+"]", reflect.StructTag(strings.Replace(string(tag), "min:", "-:", 1)))
	}
	if least, set := tag.Lookup("min"); set && len(n.Content) < number(least) {
		d.faults.add(n.Line, where, "want at least %s", least)
	}
}

func (d *decoder) mapping(n *yaml.Node, v reflect.Value, where string) {
	pairs, ok := d.pairs(n, where)
	if !ok {
		return
	}
	v.Set(reflect.MakeMap(v.Type()))
	for _, p := range pairs {
		item := reflect.New(v.Type().Elem()).Elem()
		d.value(p.value, item, where+"."+p.key.Value, "")
		v.SetMapIndex(reflect.ValueOf(p.key.Value), item)
	}
}

// plain scalars that YAML 1.1, which AWS reads, takes for booleans, and YAML 1.2, which yaml.v3 reads, for text.
var yaml11Boolean = regexp.MustCompile(`^(?i:yes|no|on|off)$`)

func (d *decoder) scalar(n *yaml.Node, v reflect.Value, where string, tag reflect.StructTag) {
	wants := map[reflect.Kind]string{reflect.String: "text", reflect.Int: "a whole number", reflect.Bool: "true or false"}
	tags := map[reflect.Kind]string{reflect.String: "!!str", reflect.Int: "!!int", reflect.Bool: "!!bool"}
	if n.Kind != yaml.ScalarNode || n.Tag != tags[v.Kind()] {
		d.faults.add(n.Line, where, "want %s, not %s", wants[v.Kind()], shown(n))
		return
	}
	switch v.Kind() {
	case reflect.Int:
		d.integer(n, v, where, tag)
		return
	case reflect.Bool:
		v.SetBool(n.Value == "true")
		return
	default:
	}
	if n.Style == 0 && yaml11Boolean.MatchString(n.Value) {
		d.faults.add(n.Line, where, "%s is a boolean to AWS: quote it", n.Value)
	}
	if allowed, set := tag.Lookup("oneof"); set && !slices.Contains(strings.Split(allowed, "|"), n.Value) {
		d.faults.add(n.Line, where, "%q is none of %s", n.Value, strings.ReplaceAll(allowed, "|", ", "))
	}
	if pattern, set := tag.Lookup("match"); set && !regexp.MustCompile(pattern).MatchString(n.Value) {
		d.faults.add(n.Line, where, "%q doesn't match %s", n.Value, pattern)
	}
	v.SetString(n.Value)
}

func (d *decoder) integer(n *yaml.Node, v reflect.Value, where string, tag reflect.StructTag) {
	value, err := strconv.Atoi(n.Value)
	if err != nil {
		d.faults.add(n.Line, where, "want a whole number, not %q", n.Value)
		return
	}
	if least, set := tag.Lookup("min"); set && value < number(least) {
		d.faults.add(n.Line, where, "%d is less than %s", value, least)
	}
	if most, set := tag.Lookup("max"); set && value > number(most) {
		d.faults.add(n.Line, where, "%d is more than %s", value, most)
	}
	v.SetInt(int64(value))
}

// pair is one line of a mapping.
type pair struct{ key, value *yaml.Node }

func (d *decoder) pairs(n *yaml.Node, where string) ([]pair, bool) {
	if n.Kind != yaml.MappingNode {
		d.faults.add(n.Line, where, "want a mapping, not %s", shown(n))
		return nil, false
	}
	return pairsOf(n), true
}

func pairsOf(n *yaml.Node) []pair {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	pairs := make([]pair, 0, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		pairs = append(pairs, pair{n.Content[i], n.Content[i+1]})
	}
	return pairs
}

// child is the value under a key, nil where there is none.
func child(n *yaml.Node, key string) *yaml.Node {
	for _, p := range pairsOf(n) {
		if p.key.Value == key {
			return p.value
		}
	}
	return nil
}

// number reads a limit in a tag: a wrong one is a fault of schema.go.
func number(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		panic("sam: limit " + text + " is no number")
	}
	return n
}

func shown(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	default:
		return strconv.Quote(n.Value)
	}
}
