package objects

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"billingcentre/infra/local/wholefile"
)

// object is what is known of one, beside its bytes.
type object struct {
	Key      string
	File     string // of its bytes, in the bucket's folder
	ETag     string // without quotes
	Checksum string // "crc32:AAAAAA==", or "crc32:AAAAAA==-2" of two parts
	Size     int64
	Modified time.Time
	Header   map[string]string // Content-Type and the like, and x-amz-meta-…
}

func (b Bucket) path(parts ...string) string {
	return filepath.Join(append([]string{b.contentFolder}, parts...)...)
}

// record is the file that tells of a key: named by a hash, since a key may be what no file may.
func (b Bucket) record(key string) string {
	sum := sha256.Sum256([]byte(key))
	return b.path("objects", hex.EncodeToString(sum[:])+".json")
}

// expires is when an object does: at the midnight after its days, in UTC. Zero: never.
func (b Bucket) expires(o object) time.Time { return midnight(o.Modified, b.ExpiryDays) }

func midnight(from time.Time, days int) time.Time {
	if days == 0 {
		return time.Time{}
	}
	return from.UTC().Add(24*time.Hour-time.Nanosecond).Truncate(24*time.Hour).AddDate(0, 0, days)
}

func over(end, now time.Time) bool { return !end.IsZero() && !now.Before(end) }

// find is the object of a key that hasn't expired. The lock is held.
func (s *Server) find(b Bucket, key string) (object, error) {
	var o object
	err := load(b.record(key), &o)
	if errors.Is(err, fs.ErrNotExist) || err == nil && over(b.expires(o), s.now()) {
		return object{}, errNoKey
	}
	return o, err
}

// keep makes a file that has come the object of a key, instead of what was there.
func (s *Server) keep(b Bucket, o object, coming string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	before, err := s.find(b, o.Key)
	if err != nil && !errors.Is(err, errNoKey) {
		return err
	}
	o.File = filepath.Join("objects", filepath.Base(coming)+".data")
	if err := os.Rename(coming, b.path(o.File)); err != nil {
		return err
	}
	if err := save(b.record(o.Key), o); err != nil {
		return err
	}
	if before.File != "" {
		return os.Remove(b.path(before.File))
	}
	return nil
}

// forget removes an object. That there is none is no error.
func (s *Server) forget(b Bucket, key string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, err := s.find(b, key)
	if errors.Is(err, errNoKey) {
		return nil
	}
	if err == nil {
		err = os.Remove(b.record(key))
	}
	if err == nil {
		err = os.Remove(b.path(o.File))
	}
	return err
}

// come writes what is sent into a file of its own, which is gone when anything about it is wrong.
func (r *request) come() (file string, kept content, err error) {
	f, err := os.OpenFile(r.bucket.path("coming", newID()), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return "", content{}, err
	}
	kept, err = r.receive(f)
	if err = errors.Join(err, f.Close()); err != nil {
		return "", content{}, errors.Join(err, os.Remove(f.Name()))
	}
	return f.Name(), kept, nil
}

// sweep removes what has expired, and what never came whole.
func (s *Server) sweep(b Bucket) error {
	return filepath.WalkDir(b.contentFolder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		folder := filepath.Base(filepath.Dir(path))
		switch {
		case folder == "coming":
			return os.Remove(path)
		case entry.Name() == uploadFile:
			var u upload
			if err := load(path, &u); err != nil || !over(midnight(u.Began, b.AbortDays), s.now()) {
				return err
			}
			if err := os.RemoveAll(filepath.Dir(path)); err != nil {
				return err
			}
			return fs.SkipDir
		case folder == "objects" && strings.HasSuffix(path, ".json"):
			var o object
			if err := load(path, &o); err != nil || !over(b.expires(o), s.now()) {
				return err
			}
			return errors.Join(os.Remove(path), os.Remove(b.path(o.File)))
		}
		return nil
	})
}

func load(path string, into any) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}

func save(path string, value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return wholefile.Write(path, text)
}

// concatenate writes files one behind the other into a new one.
func concatenate(into string, files []string) (err error) {
	out, err := os.OpenFile(into, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	for _, file := range files {
		if err := appendFile(out, file); err != nil {
			return err
		}
	}
	return nil
}

func appendFile(out io.Writer, file string) error {
	in, err := os.Open(file)
	if err != nil {
		return err
	}
	defer in.Close()
	_, err = io.Copy(out, in)
	return err
}
