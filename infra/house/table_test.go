package house

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Who deploys the centre looks into the README for what is asked; who is woken by an alarm, for what it means.
func TestEveryParameterAndAlarmIsInTheREADMEAndNoOther(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	template, err := os.ReadFile(filepath.Join(root, "template.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	parameters, _, _ := strings.Cut(string(template), "\nConditions:")
	_, parameters, _ = strings.Cut(parameters, "\nParameters:")
	names := regexp.MustCompile(`(?m)^  ([A-Z]\w+):$`).FindAllStringSubmatch(parameters, -1)
	alarms := regexp.MustCompile(`(?m)^  (\w+Alarm):$`).FindAllStringSubmatch(string(template), -1)
	if len(names) == 0 || len(alarms) == 0 {
		t.Fatalf("the template has %d parameters and %d alarms", len(names), len(alarms))
	}
	known := map[string]bool{}
	for _, name := range append(names, alarms...) {
		known[name[1]] = true
		if row := regexp.MustCompile("(?m)^\\|[^|]*`" + name[1] + "`[^|]*\\|"); !row.Match(readme) {
			t.Errorf("README.md has no line of a table for %s", name[1])
		}
	}
	for _, name := range regexp.MustCompile("`(\\w+Alarm)`").FindAllStringSubmatch(string(readme), -1) {
		if !known[name[1]] {
			t.Errorf("README.md tells of %s, which isn't in the template", name[1])
		}
	}
}
