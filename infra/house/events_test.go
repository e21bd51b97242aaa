package house

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"billingcentre/infra/local/sam/samtest"
	told "billingcentre/shared/event"
)

var eventName = regexp.MustCompile("`((?:entry|notice)\\.[a-z_]+)`")

// A consumer looks there for what there is to hear.
func TestEveryEventIsInItsREADMEAndNoOther(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join(root, "shared", "event", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	for row := range strings.Lines(string(readme)) {
		if !strings.HasPrefix(row, "| `entry.") && !strings.HasPrefix(row, "| `notice.") {
			continue
		}
		for _, name := range eventName.FindAllStringSubmatch(row, -1) {
			listed[name[1]] = true
			if !slices.Contains(told.Names(), name[1]) {
				t.Errorf("shared/event/README.md tells of %s, which is never told", name[1])
			}
		}
	}
	for _, name := range told.Names() {
		if !listed[name] {
			t.Errorf("shared/event/README.md doesn't tell of %s", name)
		}
	}
}

// A rule that waits for an event which is never told would wait for ever, and nobody would know.
func TestRulesWaitForEventsThatAreTold(t *testing.T) {
	deployed := samtest.Deployment(t, nil)
	patterns := map[string]string{}
	for _, rule := range deployed.Rules {
		if rule.BusLogicalID != "" { // not on the account's own bus, where AWS's services tell
			patterns[rule.LogicalID] = rule.Pattern
		}
	}
	for _, f := range deployed.Functions {
		for _, rule := range f.Rules {
			patterns[f.LogicalID+"."+rule.Event] = rule.Pattern
		}
	}
	for rule, text := range patterns {
		var pattern struct {
			Source []string `json:"source"`
			Types  []any    `json:"detail-type"`
		}
		if err := json.Unmarshal([]byte(text), &pattern); err != nil || !slices.Equal(pattern.Source, []string{told.Source}) {
			t.Errorf("%s: the source must be %s, and nothing else: %s (%v)", rule, told.Source, text, err)
		}
		for _, name := range texts(pattern.Types) {
			if !slices.ContainsFunc(told.Names(), func(known string) bool { return strings.HasPrefix(known, name) }) {
				t.Errorf("%s waits for %q, which is never told", rule, name)
			}
		}
	}
}

// texts are all texts in a value, however deep: names, and beginnings of names.
func texts(value any) (found []string) {
	switch v := value.(type) {
	case string:
		return []string{v}
	case []any:
		for _, item := range v {
			found = append(found, texts(item)...)
		}
	case map[string]any:
		for _, item := range v {
			found = append(found, texts(item)...)
		}
	}
	return found
}
