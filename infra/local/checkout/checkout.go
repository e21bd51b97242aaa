// Package checkout knows where the repository is, so that tests and commands find its template, its functions and the
// git-ignored folders .local and .build from whatever folder they were started in.
package checkout

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// module is the first line of the go.mod that marks the root; tools have modules of their own below it.
const module = "module billingcentre"

// Root is the absolute path of the repository: the nearest folder, from the working directory upwards, whose go.mod is
// the product's.
func Root() (string, error) {
	start, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find the repository: %w", err)
	}
	for dir := start; ; dir = filepath.Dir(dir) {
		if isRoot(dir) {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("find the repository: no go.mod with %q in %s or above", module, start)
		}
	}
}

func isRoot(dir string) bool {
	text, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil {
		return false
	}
	first, _, _ := strings.Cut(string(text), "\n")
	return strings.TrimSpace(first) == module
}
