// Package journal keeps what a stand-in took, a line of JSON each, so that a restart goes on where the last run stopped.
package journal

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"billingcentre/infra/local/wholefile"
)

const mostBytes = 64 << 20 // of a line

// Journal is a file that takes more lines. The zero Journal keeps nothing.
type Journal struct{ file *os.File }

// Read is what the file at path holds: nothing when it isn't there, or when path is empty. A last line that a crash has
// cut off is left out.
func Read[Line any](path string) ([]Line, error) {
	if path == "" {
		return nil, nil
	}
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	texts := bufio.NewScanner(file)
	texts.Buffer(nil, mostBytes)
	var lines []Line
	for texts.Scan() {
		var line Line
		if err := json.Unmarshal(texts.Bytes(), &line); err != nil {
			if texts.Scan() {
				return nil, fmt.Errorf("%s, line %d: %w", path, len(lines)+1, err)
			}
			break
		}
		lines = append(lines, line)
	}
	return lines, texts.Err()
}

// Open makes the file at path hold these lines, so that a run that leaves out what nobody needs any more keeps it from
// growing for ever, and opens it for more. Its folder is made when missing. With an empty path nothing is kept.
func Open[Line any](path string, lines []Line) (*Journal, error) {
	if path == "" {
		return new(Journal), nil
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	for _, line := range lines {
		if err := encoder.Encode(line); err != nil {
			return nil, err
		}
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	if err := wholefile.Write(path, text.Bytes()); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	return &Journal{file}, err
}

// Write adds a line. Callers take turns.
func (j *Journal) Write(line any) error {
	if j.file == nil {
		return nil
	}
	text, err := json.Marshal(line)
	if err != nil {
		return err
	}
	_, err = j.file.Write(append(text, '\n'))
	return err
}

// Close ends the journal. A Write after it fails.
func (j *Journal) Close() error {
	if j.file == nil {
		return nil
	}
	return j.file.Close()
}
