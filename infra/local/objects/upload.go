package objects

import (
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

const (
	uploadFile = "upload.json"
	mostParts  = 10_000
	longestXML = 4 << 20
)

// upload is a multipart upload on its way: a folder with this file, and two for each part.
type upload struct {
	ID       string
	Key      string
	Began    time.Time
	Checksum string // the algorithm of which every part must have one; "" for none
	Header   map[string]string
}

func (r *request) uploadPath(id string, parts ...string) string {
	return r.bucket.path(append([]string{"uploads", id}, parts...)...)
}

func (r *request) createUpload() error {
	u := upload{ID: newID(), Key: r.key, Began: r.now(), Header: r.headers(), Checksum: strings.ToLower(r.Header.Get("X-Amz-Checksum-Algorithm"))}
	if u.Checksum != "" && algorithms[u.Checksum] == nil {
		return errInvalid("The checksum algorithm isn't known: " + u.Checksum)
	}
	if r.Header.Get("X-Amz-Checksum-Type") == "FULL_OBJECT" {
		return errUnknown
	}
	if err := os.Mkdir(r.uploadPath(u.ID), 0o700); err != nil {
		return err
	}
	if err := save(r.uploadPath(u.ID, uploadFile), u); err != nil {
		return err
	}
	if u.Checksum != "" {
		r.w.Header().Set("x-amz-checksum-algorithm", strings.ToUpper(u.Checksum))
		r.w.Header().Set("x-amz-checksum-type", "COMPOSITE")
	}
	return answerXML(r.w, struct {
		XMLName               xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ InitiateMultipartUploadResult"`
		Bucket, Key, UploadId string
	}{Bucket: r.bucket.Name, Key: r.key, UploadId: u.ID})
}

// upload finds an upload of this key.
func (r *request) upload(id string) (upload, error) {
	var u upload
	if _, err := hex.DecodeString(id); err != nil || id == "" {
		return upload{}, errNoUpload
	}
	err := load(r.uploadPath(id, uploadFile), &u)
	if errors.Is(err, fs.ErrNotExist) || err == nil && u.Key != r.key {
		return upload{}, errNoUpload
	}
	return u, err
}

func (r *request) uploadPart(id, number string) error {
	u, err := r.upload(id)
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(number)
	if err != nil || n < 1 || n > mostParts {
		return &Error{http.StatusBadRequest, "InvalidArgument", "Part number must be an integer between 1 and 10000, inclusive"}
	}
	if name := r.announced(); u.Checksum != "" && name != u.Checksum {
		return errInvalid("Checksum Type mismatch occurred, expected checksum Type: " + u.Checksum + ", actual checksum Type: " + name)
	}
	file, kept, err := r.come()
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, err := r.upload(id); err != nil { // it may have ended meanwhile
		return errors.Join(err, os.Remove(file))
	}
	if err := os.Rename(file, r.uploadPath(id, strconv.Itoa(n)+".data")); err != nil {
		return err
	}
	if err := save(r.uploadPath(id, strconv.Itoa(n)+".json"), kept); err != nil {
		return err
	}
	r.w.Header().Set("ETag", `"`+kept.MD5+`"`)
	tellChecksum(r.w.Header(), kept.Checksum)
	r.w.Header().Del("x-amz-checksum-type")
	return nil
}

func (r *request) abortUpload(id string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, err := r.upload(id); err != nil {
		return err
	}
	if err := os.RemoveAll(r.uploadPath(id)); err != nil {
		return err
	}
	r.w.WriteHeader(http.StatusNoContent)
	return nil
}

// named is a part as the sender of the whole names it.
type named struct {
	PartNumber                                                                     int
	ETag                                                                           string
	ChecksumCRC32, ChecksumCRC32C, ChecksumCRC64NVME, ChecksumSHA1, ChecksumSHA256 string
}

func (n named) checksum(algorithm string) string {
	return map[string]string{
		"crc32": n.ChecksumCRC32, "crc32c": n.ChecksumCRC32C, "crc64nvme": n.ChecksumCRC64NVME, "sha1": n.ChecksumSHA1, "sha256": n.ChecksumSHA256,
	}[algorithm]
}

// completeUpload makes an object of parts, and ends the upload.
func (r *request) completeUpload(id string) error {
	u, err := r.upload(id)
	if err != nil {
		return err
	}
	parts, err := r.parts()
	if err != nil {
		return err
	}
	o, files, err := r.assemble(u, parts)
	if err != nil {
		return err
	}
	whole := r.bucket.path("coming", newID())
	if err := concatenate(whole, files); err != nil {
		return err
	}
	if err := r.keep(r.bucket, o, whole); err != nil {
		return err
	}
	r.mu.Lock()
	err = os.RemoveAll(r.uploadPath(id))
	r.mu.Unlock()
	if err != nil {
		return err
	}
	r.w.Header().Set("x-amz-server-side-encryption", "AES256")
	return answerXML(r.w, struct {
		XMLName                     xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ CompleteMultipartUploadResult"`
		Location, Bucket, Key, ETag string
	}{Location: "http://" + r.Host + "/" + r.bucket.Name + "/" + r.key, Bucket: r.bucket.Name, Key: r.key, ETag: `"` + o.ETag + `"`})
}

func (r *request) parts() ([]named, error) {
	var body strings.Builder
	if _, err := r.receive(&body); err != nil {
		return nil, err
	}
	var list struct {
		XMLName xml.Name `xml:"CompleteMultipartUpload"`
		Part    []named
	}
	if body.Len() > longestXML || xml.NewDecoder(io.LimitReader(strings.NewReader(body.String()), longestXML)).Decode(&list) != nil || len(list.Part) == 0 {
		return nil, errXML
	}
	return list.Part, nil
}

// assemble checks what is named against what has come, and tells what the whole is.
func (r *request) assemble(u upload, parts []named) (o object, files []string, err error) {
	o = object{Key: u.Key, Modified: r.now(), Header: u.Header}
	digest, sums := md5.New(), io.Writer(io.Discard)
	whole := md5.New() // any hash, where none is asked for
	if u.Checksum != "" {
		whole = algorithms[u.Checksum]()
		sums = whole
	}
	for i, part := range parts {
		if i > 0 && part.PartNumber <= parts[i-1].PartNumber {
			return object{}, nil, &Error{http.StatusBadRequest, "InvalidPartOrder", "The list of parts was not in ascending order. Parts must be ordered by part number."}
		}
		var kept content
		path := r.uploadPath(u.ID, strconv.Itoa(part.PartNumber))
		if err := load(path+".json", &kept); err != nil || strings.Trim(part.ETag, `"`) != kept.MD5 {
			return object{}, nil, &Error{http.StatusBadRequest, "InvalidPart", "One or more of the specified parts could not be found. The part may not have been uploaded, or the specified entity tag may not match the part's entity tag."}
		}
		if i < len(parts)-1 && kept.Size < int64(r.bucket.MinimumPart) {
			return object{}, nil, &Error{http.StatusBadRequest, "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size"}
		}
		_, value, _ := strings.Cut(kept.Checksum, ":")
		if said := part.checksum(u.Checksum); u.Checksum != "" && said != value {
			if said == "" {
				return object{}, nil, errInvalid(fmt.Sprintf("The upload was created using a %s checksum. The complete request must include the checksum for each part. It was missing for part %d in the request.", u.Checksum, part.PartNumber))
			}
			return object{}, nil, &Error{http.StatusBadRequest, "InvalidPart", "The checksum of a part doesn't match."}
		}
		raw, _ := hex.DecodeString(kept.MD5) // we wrote it
		digest.Write(raw)
		raw, _ = base64.StdEncoding.DecodeString(value)
		_, _ = sums.Write(raw) // a hash never fails
		o.Size += kept.Size
		files = append(files, filepath.Clean(path+".data"))
	}
	o.ETag = fmt.Sprintf("%x-%d", digest.Sum(nil), len(parts))
	if u.Checksum != "" {
		o.Checksum = fmt.Sprintf("%s:%s-%d", u.Checksum, base64.StdEncoding.EncodeToString(whole.Sum(nil)), len(parts))
	}
	return o, files, nil
}
