// Package pattern has regular expressions that are compiled when they are first used. Compiling those of a package takes up to
// half a millisecond, which every cold start of a function that links it would pay, whether or not it ever uses one.
package pattern

import (
	"regexp"
	"sync"
)

// Of is the expression of a text that is one. It panics when it is first used if the text isn't, so a test must use it.
func Of(text string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(text) })
}
