// Package sample holds a month of real usage in FOCUS format, which the demo and the tests settle.
// Where it comes from, and under which licence, is in its README.
package sample

import (
	"bytes"
	_ "embed"
	"io"
)

//go:embed focus_sample.csv.gz
var file []byte

// Name is the file's own.
const Name = "focus_sample.csv.gz"

// File is the file, gzipped.
func File() io.Reader { return bytes.NewReader(file) }
