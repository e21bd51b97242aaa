// Package objects is S3 for one machine, as far as exports need it: PutObject, GetObject (with ranges), HeadObject,
// DeleteObject, multipart uploads and signed URLs, behind S3's own protocol, so that the SDK, a browser and `aws s3api`
// work with it. It is as strict as S3 where a mistake of ours would show only in production:
//
//   - a request without a signature that is right (version 4, in headers or in the URL) is refused with 403, and so is
//     one that is signed for another minute, region, host, path or body, or a signed URL after its time;
//   - what is sent must be what was announced: SHA-256, Content-MD5, and the SDK's checksums, in headers or behind an
//     aws-chunked body;
//   - parts have at least 5 MiB but for the last, are named in order with their ETags and checksums, and an upload
//     that is complete or aborted is gone.
//
// Objects are files in a folder, and expire as the bucket's lifecycle rule says, by whole days in UTC. Not simulated:
// chunks that are signed one by one, versions, tags, ACLs, policies, listings, TLS.
//
//	objects.go    Options, Server: which bucket, which operation
//	signature.go  who sent it, and when
//	payload.go    what was sent: bodies and their checksums
//	object.go     put, get, head, delete
//	upload.go     multipart uploads
//	store.go      the files
//	error.go      refusals in S3's words
package objects

import (
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Bucket is a bucket and its lifecycle.
type Bucket struct {
	Name          string
	ExpiryDays    int // after which objects expire; 0: never
	AbortDays     int // after which uploads that nobody completed are forgotten; 0: never
	MinimumPart   int // bytes of every part but the last; 0: S3's 5 MiB. Tests make it smaller
	contentFolder string
}

// Key is an access key that may do everything here.
type Key struct {
	ID, Secret string
	Token      string // the session token that goes with it; "" for none
}

// Options says what the server keeps and for whom.
type Options struct {
	Dir     string // where objects are kept; it is made
	Region  string // "us-east-1" if empty
	Keys    []Key
	Buckets []Bucket
	Now     func() time.Time // time.Now if nil
	Logger  *slog.Logger     // slog.Default() if nil
}

// Server holds the buckets. It is safe for concurrent use.
type Server struct {
	region  string
	keys    map[string]Key
	buckets map[string]Bucket
	now     func() time.Time
	log     *slog.Logger

	mu sync.Mutex // of what the folders say, not of what is being sent
}

var _ http.Handler = (*Server)(nil)

// New opens the buckets, with the objects of earlier runs but for those that have expired since.
func New(o Options) (*Server, error) {
	s := &Server{
		region: cmp.Or(o.Region, "us-east-1"), keys: map[string]Key{}, buckets: map[string]Bucket{}, now: o.Now, log: cmp.Or(o.Logger, slog.Default()),
	}
	if s.now == nil {
		s.now = time.Now
	}
	for _, k := range o.Keys {
		s.keys[k.ID] = k
	}
	for _, b := range o.Buckets {
		b.contentFolder = filepath.Join(o.Dir, b.Name)
		b.MinimumPart = cmp.Or(b.MinimumPart, 5<<20)
		for _, folder := range []string{"objects", "uploads", "coming"} {
			if err := os.MkdirAll(filepath.Join(b.contentFolder, folder), 0o700); err != nil {
				return nil, fmt.Errorf("make bucket %s: %w", b.Name, err)
			}
		}
		s.buckets[b.Name] = b
		if err := s.sweep(b); err != nil {
			return nil, fmt.Errorf("open bucket %s: %w", b.Name, err)
		}
	}
	return s, nil
}

// Owns tells whether a request is for this server, where several services share one address: it is signed for S3, or
// its first part is a bucket.
func (s *Server) Owns(r *http.Request) bool {
	if strings.Contains(r.Header.Get("Authorization"), "/s3/aws4_request") {
		return true
	}
	bucket, _ := s.address(r)
	_, known := s.buckets[bucket]
	return known
}

// address is the bucket and key of a request, in the host or in the path.
func (s *Server) address(r *http.Request) (bucket, key string) {
	if first, rest, found := strings.Cut(r.Host, "."); found && rest != "" {
		if _, known := s.buckets[first]; known {
			return first, strings.TrimPrefix(r.URL.Path, "/")
		}
	}
	bucket, key, _ = strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	return bucket, key
}

// request is one request whose sender is known.
type request struct {
	*Server
	*http.Request
	w      http.ResponseWriter
	bucket Bucket
	key    string
	signed signed
}

// ServeHTTP answers one request of S3's REST protocol.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := newID()
	w.Header().Set("X-Amz-Request-Id", id)
	if err := s.serve(w, r); err != nil {
		s.refuse(w, r, id, err)
	}
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) error {
	signed, err := s.authenticate(r)
	if err != nil {
		return err
	}
	name, key := s.address(r)
	bucket, known := s.buckets[name]
	switch {
	case !known:
		return &Error{http.StatusNotFound, "NoSuchBucket", "The specified bucket does not exist"}
	case key == "":
		return errUnknown
	case len(key) > 1024:
		return &Error{http.StatusBadRequest, "KeyTooLongError", "Your key is too long"}
	}
	return (&request{s, r, w, bucket, key, signed}).dispatch()
}

// dispatch finds the operation: S3 tells it by the method and by which parameters there are.
func (r *request) dispatch() error {
	query := r.URL.Query()
	has := func(name string) bool { _, there := query[name]; return there }
	for name := range query {
		if !knownParameter(name) {
			return errUnknown
		}
	}
	switch {
	case r.Method == http.MethodPost && has("uploads"):
		return r.createUpload()
	case r.Method == http.MethodPost && has("uploadId"):
		return r.completeUpload(query.Get("uploadId"))
	case r.Method == http.MethodPut && has("uploadId") && has("partNumber"):
		return r.uploadPart(query.Get("uploadId"), query.Get("partNumber"))
	case r.Method == http.MethodDelete && has("uploadId"):
		return r.abortUpload(query.Get("uploadId"))
	case r.Header.Get("X-Amz-Copy-Source") != "", has("uploadId"), has("uploads"), has("partNumber"):
		return errUnknown
	case r.Method == http.MethodPut:
		return r.put()
	case r.Method == http.MethodGet, r.Method == http.MethodHead:
		return r.get(query)
	case r.Method == http.MethodDelete:
		return r.delete()
	}
	return errUnknown
}

// knownParameter refuses what would be another operation, such as ?acl.
func knownParameter(name string) bool {
	lower := strings.ToLower(name)
	return name == "uploads" || name == "uploadId" || name == "partNumber" || name == "x-id" ||
		strings.HasPrefix(lower, "x-amz-") || strings.HasPrefix(name, "response-")
}

// newID is random: of requests, uploads and files.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails: it ends the process instead
	return hex.EncodeToString(b[:])
}
