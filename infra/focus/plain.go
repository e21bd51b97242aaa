package focus

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
)

var (
	gzipMagic = []byte{0x1f, 0x8b}
	utf8Mark  = []byte{0xef, 0xbb, 0xbf}
	utf16Mark = [][]byte{{0xff, 0xfe}, {0xfe, 0xff}}
)

// plain is a file's text: unzipped when it is gzipped, without a byte order mark.
func plain(file io.Reader) (io.Reader, error) {
	text := bufio.NewReader(file)
	if start, _ := text.Peek(2); bytes.Equal(start, gzipMagic) {
		unzipped, err := gzip.NewReader(text)
		if err != nil {
			return nil, err
		}
		text = bufio.NewReader(unzipped)
	}
	start, err := text.Peek(3)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	for _, mark := range utf16Mark {
		if bytes.HasPrefix(start, mark) {
			return nil, errors.New("it is UTF-16: save it as UTF-8")
		}
	}
	if bytes.Equal(start, utf8Mark) {
		_, err = text.Discard(len(utf8Mark))
		return text, err
	}
	return text, nil
}

// longestRow bounds what a quote that is never closed can swallow.
const longestRow = 1 << 20

var errLongRow = errors.New("a row is longer than 1 MiB: is there a quote that isn't closed?")

// guard bounds the bytes that one row may take.
type guard struct {
	from io.Reader
	read int
}

func (g *guard) row() { g.read = 0 }

func (g *guard) Read(p []byte) (int, error) {
	if g.read > longestRow {
		return 0, errLongRow
	}
	n, err := g.from.Read(p)
	g.read += n
	return n, err
}
