package objects

import (
	"bufio"
	"bytes"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// trailerPayload says that the body is aws-chunked, with checksums behind it.
const trailerPayload = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"

// algorithms are the checksums that S3 knows.
var algorithms = map[string]func() hash.Hash{
	"crc32":     func() hash.Hash { return crc32.NewIEEE() },
	"crc32c":    func() hash.Hash { return crc32.New(crc32.MakeTable(crc32.Castagnoli)) },
	"crc64nvme": func() hash.Hash { return crc64.New(crc64.MakeTable(0x9a6c9329ac4bc9b5)) },
	"sha1":      sha1.New,
	"sha256":    sha256.New,
}

const checksumHeader = "x-amz-checksum-"

// content is what was sent, as it is kept.
type content struct {
	Size     int64
	MD5      string // hexadecimal
	Checksum string // its algorithm and value, such as "crc32:AAAAAA=="; "" where the sender gave none
}

// receive copies the body, and holds it against all that was said about it.
func (r *request) receive(into io.Writer) (content, error) {
	body, trailer := io.Reader(r.Body), http.Header(nil)
	switch {
	case r.signed.payload == trailerPayload:
		trailer = http.Header{}
		body = &chunks{from: bufio.NewReader(r.Body), trailer: trailer}
	case strings.HasPrefix(r.signed.payload, "STREAMING-"):
		return content{}, errUnknown
	}
	name := r.announced()
	if name != "" && algorithms[name] == nil {
		return content{}, errInvalid("The checksum algorithm isn't known: " + name)
	}
	whole, digest := sha256.New(), md5.New()
	writers := []io.Writer{into, whole, digest}
	var sum hash.Hash
	if name != "" {
		sum = algorithms[name]()
		writers = append(writers, sum)
	}
	size, err := io.Copy(io.MultiWriter(writers...), body)
	if err != nil {
		if refused, ok := errors.AsType[*Error](err); ok {
			return content{}, refused
		}
		return content{}, errIncomplete
	}
	kept := content{Size: size, MD5: hex.EncodeToString(digest.Sum(nil))}
	if err := r.holds(kept, whole.Sum(nil), digest.Sum(nil)); err != nil {
		return content{}, err
	}
	if sum == nil {
		return kept, nil
	}
	value := base64.StdEncoding.EncodeToString(sum.Sum(nil))
	said := r.Header.Get(checksumHeader + name)
	if trailer != nil {
		said = trailer.Get(checksumHeader + name)
	}
	if said != value {
		return content{}, &Error{http.StatusBadRequest, "BadDigest", "The " + strings.ToUpper(name) + " you specified did not match the calculated checksum."}
	}
	kept.Checksum = name + ":" + value
	return kept, nil
}

// announced is the algorithm whose checksum comes with the body, in a header or behind it.
func (r *request) announced() string {
	for name := range algorithms {
		if r.Header.Get(checksumHeader+name) != "" {
			return name
		}
	}
	name, _ := strings.CutPrefix(strings.ToLower(r.Header.Get("X-Amz-Trailer")), checksumHeader)
	return name
}

// holds compares length and digests with what the headers say.
func (r *request) holds(kept content, whole, digest []byte) error {
	if said := r.Header.Get("X-Amz-Decoded-Content-Length"); r.signed.payload == trailerPayload && said != strconv.FormatInt(kept.Size, 10) {
		return errIncomplete
	}
	if r.signed.payload != trailerPayload && r.signed.payload != unsignedPayload && r.signed.payload != hex.EncodeToString(whole) {
		return errDigest
	}
	if said := r.Header.Get("Content-Md5"); said != "" && said != base64.StdEncoding.EncodeToString(digest) {
		return errMD5
	}
	return nil
}

// chunks reads an aws-chunked body: each chunk's size in hexadecimal on a line of its own, the chunk, an empty chunk at
// the end, and then the trailing headers.
type chunks struct {
	from    *bufio.Reader
	trailer http.Header
	left    int64 // of the chunk
	began   bool
	done    bool
}

var errChunks = errInvalid("The aws-chunked body isn't well-formed")

func (c *chunks) Read(p []byte) (int, error) {
	if c.done {
		return 0, io.EOF
	}
	if c.left == 0 {
		if err := c.next(); err != nil {
			return 0, err
		}
		if c.done {
			return 0, io.EOF
		}
	}
	n, err := c.from.Read(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	if errors.Is(err, io.EOF) {
		err = errIncomplete
	}
	return n, err
}

// next reads up to the next chunk's first byte, or up to the end.
func (c *chunks) next() error {
	if c.began {
		if line, err := c.line(); err != nil || line != "" {
			return errChunks
		}
	}
	c.began = true
	line, err := c.line()
	if err != nil {
		return errIncomplete
	}
	size, _, _ := strings.Cut(line, ";")
	if c.left, err = strconv.ParseInt(size, 16, 64); err != nil || c.left < 0 {
		return errChunks
	}
	if c.left > 0 {
		return nil
	}
	c.done = true
	for {
		line, err := c.line()
		if line == "" {
			return nil // S3 asks for no empty line at the end
		}
		name, value, found := strings.Cut(line, ":")
		if err != nil || !found {
			return errChunks
		}
		c.trailer.Add(name, strings.TrimSpace(value))
	}
}

const longestLine = 1 << 10

func (c *chunks) line() (string, error) {
	line, err := c.from.ReadSlice('\n')
	if err != nil || len(line) > longestLine {
		return "", errChunks
	}
	return string(bytes.TrimRight(line, "\r\n")), nil
}
