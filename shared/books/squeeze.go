package books

import (
	"bytes"
	"compress/flate"
	"fmt"
	"io"
	"sync"

	"github.com/go-json-experiment/json"
)

// What the books keep is compressed, and so no text. The first byte tells the format; none of them can begin a text in
// UTF-8, by which a store tells bytes from JSON.
const squeezed = 0x81 // raw DEFLATE (RFC 1951)

var writers = sync.Pool{New: func() any {
	w, err := flate.NewWriter(io.Discard, flate.DefaultCompression)
	if err != nil {
		panic(err) // the level is a constant
	}
	return w
}}

func squeeze(plain []byte) []byte {
	out := bytes.NewBuffer(make([]byte, 0, len(plain)/3+64))
	out.WriteByte(squeezed)
	w := writers.Get().(*flate.Writer)
	defer writers.Put(w)
	w.Reset(out)
	_, _ = w.Write(plain) // into memory
	_ = w.Close()
	return out.Bytes()
}

func unsqueeze(body []byte) ([]byte, error) {
	if len(body) == 0 || body[0] != squeezed {
		return nil, fmt.Errorf("books: a document in an unknown format")
	}
	plain, err := io.ReadAll(flate.NewReader(bytes.NewReader(body[1:])))
	if err != nil {
		return nil, fmt.Errorf("books: a damaged document: %w", err)
	}
	return plain, nil
}

// packed is a value as JSON, compressed.
func packed(value any) []byte {
	text, err := json.Marshal(value, json.Deterministic(true))
	if err != nil {
		panic(fmt.Sprintf("books: %T: %v", value, err)) // our own types always marshal
	}
	return squeeze(text)
}

func unpacked(body []byte, value any) error {
	text, err := unsqueeze(body)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, value)
}
