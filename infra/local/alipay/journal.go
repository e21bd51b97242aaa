package alipay

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// journal is a file of JSON lines, each a whole trade: the last line of a trade counts.
type journal struct{ file *os.File }

// openJournal reads what is there and opens the file for more. A last line that was cut off by a crash is dropped. With an empty
// path nothing is kept.
func openJournal(path string, keep func(*Trade)) (*journal, error) {
	if path == "" {
		return &journal{}, nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	trades, err := readJournal(path)
	if err != nil {
		return nil, err
	}
	next := path + ".next" // written anew, one line a trade, so that it doesn't grow for ever
	file, err := os.OpenFile(next, os.O_CREATE|os.O_TRUNC|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	j := &journal{file}
	for _, t := range trades {
		keep(t)
		if err := j.write(t); err != nil {
			return nil, errors.Join(err, file.Close())
		}
	}
	if err := os.Rename(next, path); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return j, nil
}

func readJournal(path string) (map[string]*Trade, error) {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	trades := make(map[string]*Trade)
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	var broken error
	for number := 1; lines.Scan(); number++ {
		if broken != nil {
			return nil, broken // it wasn't the last line
		}
		t := new(Trade)
		if err := json.Unmarshal(lines.Bytes(), t); err != nil || t.OutTradeNo == "" || len(t.Tokens) == 0 {
			broken = fmt.Errorf("alipay stand-in: %s, line %d isn't a trade", path, number)
			continue
		}
		trades[t.key()] = t
	}
	return trades, lines.Err()
}

// write adds a trade's present state. The caller holds the gateway's lock.
func (j *journal) write(t *Trade) error {
	if j.file == nil {
		return nil
	}
	line, err := json.Marshal(t)
	if err != nil {
		return err
	}
	_, err = j.file.Write(append(line, '\n'))
	return err
}

// Close implements io.Closer.
func (j *journal) Close() error {
	if j.file == nil {
		return nil
	}
	return j.file.Close()
}
