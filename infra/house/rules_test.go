package house

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
)

var (
	stated = regexp.MustCompile(`(?m)^(?:(\d+)\. |- \*\*(M\d+)\.\*\* )`)            // a rule, in the README
	named  = regexp.MustCompile(`README rules?((?: (?:to |and )?M?\d+\b,?)*)( N)?`) // one or several, elsewhere
	number = regexp.MustCompile(`M?\d+`)
)

// Code, tests and the API's description name the rules of money by their numbers in the README. A number that isn't
// there would send its reader nowhere.
func TestRulesThatAreNamedAreInTheREADME(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	rules := map[string]bool{}
	for _, rule := range stated.FindAllStringSubmatch(string(readme), -1) {
		rules[rule[1]+rule[2]] = true
	}
	for _, folder := range []string{"functions", "shared", "infra"} {
		err := filepath.WalkDir(filepath.Join(root, folder), func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !slices.Contains([]string{".go", ".yaml"}, filepath.Ext(path)) || entry.Name() == "rules_test.go" {
				return err
			}
			text, err := os.ReadFile(path)
			for _, name := range named.FindAllStringSubmatch(string(text), -1) {
				numbers := number.FindAllString(name[1], -1)
				if len(numbers) == 0 && name[2] == "" {
					t.Errorf("%s: %q names no number", path, name[0])
				}
				for _, n := range numbers {
					if !rules[n] {
						t.Errorf("%s: README.md has no rule %s", path, n)
					}
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
