package objects

import (
	"net/http"
	"net/url"
	"os"
	"strings"
)

// kept headers come back with the object.
var keptHeaders = []string{"Content-Type", "Content-Disposition", "Content-Encoding", "Content-Language", "Cache-Control", "Expires"}

// headers are those of a request that are kept with its object.
func (r *request) headers() map[string]string {
	kept := map[string]string{"Content-Type": "binary/octet-stream"}
	for _, name := range keptHeaders {
		if value := r.Header.Get(name); value != "" {
			kept[name] = value
		}
	}
	if encoding, chunked := strings.CutPrefix(kept["Content-Encoding"], "aws-chunked"); chunked {
		kept["Content-Encoding"] = strings.TrimLeft(encoding, ", ")
	}
	for name := range r.Header {
		if strings.HasPrefix(strings.ToLower(name), "x-amz-meta-") {
			kept[name] = r.Header.Get(name)
		}
	}
	return kept
}

// tellChecksum names a checksum in a header.
func tellChecksum(header http.Header, checksum string) {
	if name, value, found := strings.Cut(checksum, ":"); found {
		header.Set(checksumHeader+name, value)
		header.Set("x-amz-checksum-type", "FULL_OBJECT")
		if strings.Contains(value, "-") {
			header.Set("x-amz-checksum-type", "COMPOSITE")
		}
	}
}

// put takes an object that is sent whole.
func (r *request) put() error {
	file, kept, err := r.come()
	if err != nil {
		return err
	}
	o := object{Key: r.key, ETag: kept.MD5, Checksum: kept.Checksum, Size: kept.Size, Modified: r.now(), Header: r.headers()}
	if err := r.keep(r.bucket, o, file); err != nil {
		return err
	}
	r.w.Header().Set("ETag", `"`+o.ETag+`"`)
	r.w.Header().Set("x-amz-server-side-encryption", "AES256")
	tellChecksum(r.w.Header(), o.Checksum)
	return nil
}

// get answers an object, or the part of it that a range asks for. HEAD answers without its bytes.
func (r *request) get(query url.Values) error {
	o, file, err := r.open()
	if err != nil {
		return err
	}
	defer file.Close()
	header := r.w.Header()
	for name, value := range o.Header {
		if value != "" {
			header.Set(name, value)
		}
	}
	for name := range query {
		if override, found := strings.CutPrefix(name, "response-"); found {
			header.Set(override, query.Get(name))
		}
	}
	header.Set("ETag", `"`+o.ETag+`"`)
	header.Set("x-amz-server-side-encryption", "AES256")
	if end := r.bucket.expires(o); !end.IsZero() {
		header.Set("x-amz-expiration", `expiry-date="`+end.Format(http.TimeFormat)+`", rule-id="expire"`)
	}
	if r.Header.Get("X-Amz-Checksum-Mode") == "ENABLED" && r.Header.Get("Range") == "" {
		tellChecksum(header, o.Checksum)
	}
	http.ServeContent(r.w, r.Request, "", o.Modified, file)
	return nil
}

func (r *request) open() (object, *os.File, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	o, err := r.find(r.bucket, r.key)
	if err != nil {
		return object{}, nil, err
	}
	file, err := os.Open(r.bucket.path(o.File))
	return o, file, err
}

func (r *request) delete() error {
	if err := r.forget(r.bucket, r.key); err != nil {
		return err
	}
	r.w.WriteHeader(http.StatusNoContent)
	return nil
}
