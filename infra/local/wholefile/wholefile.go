// Package wholefile keeps what the local stack remembers between runs: a file is replaced as a whole or stays as it was,
// even when the machine stops meanwhile, so that a stack never starts from half of what it knew.
package wholefile

import (
	"errors"
	"os"
	"path/filepath"
)

// Write makes text the content of the file at path, which only its owner may read. Its folder must be there.
func Write(path string, text []byte) error {
	next, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(next.Name()) }() // gone already once renamed
	_, err = next.Write(text)
	if err = errors.Join(err, next.Sync(), next.Close()); err != nil {
		return err
	}
	return os.Rename(next.Name(), path)
}
