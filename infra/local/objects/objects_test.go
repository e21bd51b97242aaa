package objects_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"billingcentre/infra/local/objects"
)

const smallPart = 1 << 10

// bench is a server with the real SDK client in front of it.
type bench struct {
	*testing.T
	dir    string
	url    string
	now    time.Time
	server *objects.Server
	client *s3.Client
	http   *http.Client
}

func newBench(t *testing.T, tls bool) *bench {
	t.Helper()
	b := &bench{T: t, dir: t.TempDir(), now: time.Now()}
	b.open()
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { b.server.ServeHTTP(w, r) })
	front := httptest.NewUnstartedServer(handler)
	if tls {
		front.StartTLS()
	} else {
		front.Start()
	}
	t.Cleanup(front.Close)
	b.url = front.URL
	b.http = front.Client()
	b.client = b.another(func(*s3.Options) {})
	return b
}

// another is a client of its own: the SDK keeps what it has derived from a secret.
func (b *bench) another(change func(*s3.Options)) *s3.Client {
	return s3.New(s3.Options{
		Region: "us-east-1", BaseEndpoint: &b.url, UsePathStyle: true, HTTPClient: b.http, RetryMaxAttempts: 1,
		Credentials:                credentials.NewStaticCredentialsProvider("local", "secret", "token"),
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenSupported,
		ResponseChecksumValidation: aws.ResponseChecksumValidationWhenSupported,
	}, change)
}

// open opens the buckets, as a new run does.
func (b *bench) open() {
	b.Helper()
	server, err := objects.New(objects.Options{
		Dir: b.dir, Keys: []objects.Key{{ID: "local", Secret: "secret", Token: "token"}}, Now: func() time.Time { return b.now },
		Buckets: []objects.Bucket{{Name: "exports", ExpiryDays: 7, AbortDays: 1, MinimumPart: smallPart}, {Name: "other"}},
	})
	if err != nil {
		b.Fatal(err)
	}
	b.server = server
}

func (b *bench) put(key, text string) {
	b.Helper()
	if _, err := b.client.PutObject(b.Context(), &s3.PutObjectInput{Bucket: aws.String("exports"), Key: &key, Body: strings.NewReader(text)}); err != nil {
		b.Fatal(err)
	}
}

func (b *bench) get(key string) (string, error) {
	b.Helper()
	out, err := b.client.GetObject(b.Context(), &s3.GetObjectInput{Bucket: aws.String("exports"), Key: &key})
	if err != nil {
		return "", err
	}
	defer out.Body.Close()
	text, err := io.ReadAll(out.Body)
	return string(text), err
}

func code(err error) string {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return api.ErrorCode()
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

// Over HTTP the SDK signs the body's hash, over TLS it sends checksums behind aws-chunked bodies.
func TestTheSDKPutsAndGets(t *testing.T) {
	for name, tls := range map[string]bool{"http": false, "tls": true} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, tls)
			key, text := "a b/ü+?&=~/é.csv", strings.Repeat("0123456789", 20_000)
			put, err := b.client.PutObject(t.Context(), &s3.PutObjectInput{
				Bucket: aws.String("exports"), Key: &key, Body: strings.NewReader(text), ContentType: aws.String("text/csv"), Metadata: map[string]string{"rows": "3"},
			})
			if err != nil {
				t.Fatal(err)
			}
			got, err := b.client.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("exports"), Key: &key})
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(got.Body) // the SDK holds it against the checksum
			if err != nil || string(body) != text {
				t.Fatalf("%d bytes, %v", len(body), err)
			}
			if aws.ToString(got.ETag) != aws.ToString(put.ETag) || aws.ToString(got.ContentType) != "text/csv" || got.Metadata["rows"] != "3" || aws.ToString(got.ContentEncoding) != "" {
				t.Errorf("%+v", got)
			}
			if aws.ToString(got.ChecksumCRC32) == "" || aws.ToString(got.ChecksumCRC32) != aws.ToString(put.ChecksumCRC32) {
				t.Error("no checksum came back")
			}
			head, err := b.client.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String("exports"), Key: &key})
			if err != nil || aws.ToInt64(head.ContentLength) != int64(len(text)) {
				t.Errorf("%+v, %v", head, err)
			}
			part, err := b.client.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("exports"), Key: &key, Range: aws.String("bytes=10-14")})
			if err != nil {
				t.Fatal(err)
			}
			if body, _ := io.ReadAll(part.Body); string(body) != "01234" || aws.ToString(part.ContentRange) != "bytes 10-14/200000" {
				t.Errorf("%q, %s", body, aws.ToString(part.ContentRange))
			}
		})
	}
}

func TestAKeyIsOverwrittenAndDeleted(t *testing.T) {
	b := newBench(t, false)
	b.put("k", "one")
	b.put("k", "two")
	b.open() // another run
	if got, err := b.get("k"); got != "two" || err != nil {
		t.Error(got, err)
	}
	for range 2 { // deleting what isn't there is no error
		if _, err := b.client.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String("exports"), Key: aws.String("k")}); err != nil {
			t.Error(err)
		}
	}
	if _, err := b.get("k"); code(err) != "NoSuchKey" {
		t.Error(err)
	}
	if _, err := b.client.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String("exports"), Key: aws.String("k")}); code(err) != "NotFound" {
		t.Error(err)
	}
	if files, _ := filepath.Glob(filepath.Join(b.dir, "exports", "*", "*")); len(files) > 0 {
		t.Error("left behind:", files)
	}
	if _, err := b.client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("nobodys"), Key: aws.String("k")}); code(err) != "NoSuchBucket" {
		t.Error(err)
	}
}

// send sends parts, and gives what completing needs.
func (b *bench) send(key string, texts ...string) (id *string, parts []types.CompletedPart) {
	b.Helper()
	created, err := b.client.CreateMultipartUpload(b.Context(), &s3.CreateMultipartUploadInput{Bucket: aws.String("exports"), Key: &key, ContentType: aws.String("text/csv"), ChecksumAlgorithm: types.ChecksumAlgorithmCrc32})
	if err != nil {
		b.Fatal(err)
	}
	for i, text := range texts {
		n := aws.Int32(int32(i + 1))
		sent, err := b.client.UploadPart(b.Context(), &s3.UploadPartInput{
			Bucket: aws.String("exports"), Key: &key, UploadId: created.UploadId, PartNumber: n, Body: strings.NewReader(text),
		})
		if err != nil {
			b.Fatal(err)
		}
		parts = append(parts, types.CompletedPart{PartNumber: n, ETag: sent.ETag, ChecksumCRC32: sent.ChecksumCRC32})
	}
	return created.UploadId, parts
}

func (b *bench) complete(key string, id *string, parts []types.CompletedPart) (*s3.CompleteMultipartUploadOutput, error) {
	return b.client.CompleteMultipartUpload(b.Context(), &s3.CompleteMultipartUploadInput{
		Bucket: aws.String("exports"), Key: &key, UploadId: id, MultipartUpload: &types.CompletedMultipartUpload{Parts: parts},
	})
}

func TestAMultipartUpload(t *testing.T) {
	for name, tls := range map[string]bool{"http": false, "tls": true} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, tls)
			a, z := strings.Repeat("a", smallPart), "z"
			id, parts := b.send("k", a, z)
			if _, err := b.get("k"); code(err) != "NoSuchKey" {
				t.Error("there before it is complete:", err)
			}
			b.open() // uploads outlive a run
			done, err := b.complete("k", id, parts)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := b.get("k"); got != a+z || err != nil {
				t.Errorf("%d bytes, %v", len(got), err)
			}
			if !strings.HasSuffix(aws.ToString(done.ETag), `-2"`) {
				t.Error(aws.ToString(done.ETag))
			}
			if _, err := b.complete("k", id, parts); code(err) != "NoSuchUpload" {
				t.Error("completed twice:", err)
			}
		})
	}
}

func TestUploadsThatAreRefused(t *testing.T) {
	b := newBench(t, false)
	big := strings.Repeat("a", smallPart)
	for name, c := range map[string]struct {
		texts []string
		spoil func(parts []types.CompletedPart) []types.CompletedPart
		want  string
	}{
		"a small part in front": {[]string{"a", big}, func(p []types.CompletedPart) []types.CompletedPart { return p }, "EntityTooSmall"},
		"another ETag":          {[]string{big, "z"}, func(p []types.CompletedPart) []types.CompletedPart { p[0].ETag = aws.String(`"0"`); return p }, "InvalidPart"},
		"no checksum":           {[]string{big, "z"}, func(p []types.CompletedPart) []types.CompletedPart { p[1].ChecksumCRC32 = nil; return p }, "InvalidRequest"},
		"another checksum":      {[]string{big, "z"}, func(p []types.CompletedPart) []types.CompletedPart { p[1].ChecksumCRC32 = p[0].ChecksumCRC32; return p }, "InvalidPart"},
		"out of order":          {[]string{big, big}, func(p []types.CompletedPart) []types.CompletedPart { return []types.CompletedPart{p[1], p[0]} }, "InvalidPartOrder"},
		"a part that isn't":     {[]string{big}, func(p []types.CompletedPart) []types.CompletedPart { p[0].PartNumber = aws.Int32(7); return p }, "InvalidPart"},
		"nothing":               {[]string{big}, func([]types.CompletedPart) []types.CompletedPart { return nil }, "MalformedXML"},
	} {
		t.Run(name, func(t *testing.T) {
			id, parts := b.send("k", c.texts...)
			if _, err := b.complete("k", id, c.spoil(parts)); code(err) != c.want {
				t.Errorf("%v, want %s", err, c.want)
			}
			if _, err := b.client.AbortMultipartUpload(t.Context(), &s3.AbortMultipartUploadInput{Bucket: aws.String("exports"), Key: aws.String("k"), UploadId: id}); err != nil {
				t.Error(err)
			}
			if _, err := b.complete("k", id, parts); code(err) != "NoSuchUpload" {
				t.Error("completed after its end:", err)
			}
		})
	}
	if left, _ := os.ReadDir(filepath.Join(b.dir, "exports", "uploads")); len(left) > 0 {
		t.Error("left behind:", left)
	}
}

func TestTheLifecycle(t *testing.T) {
	b := newBench(t, false)
	b.now = time.Now()
	b.put("k", "text")
	b.send("unfinished", "a")
	check := func(there bool, uploads int) {
		t.Helper()
		b.open()
		left, _ := os.ReadDir(filepath.Join(b.dir, "exports", "uploads"))
		if files, _ := filepath.Glob(filepath.Join(b.dir, "exports", "objects", "*")); (len(files) == 2) != there || len(left) != uploads {
			t.Errorf("files %v, uploads %v", files, left)
		}
	}
	check(true, 1)
	b.now = b.now.AddDate(0, 0, 2)
	check(true, 0)
	b.now = b.now.AddDate(0, 0, 4) // six of its seven days
	check(true, 0)
	b.now = b.now.AddDate(0, 0, 2)
	check(false, 0)
}

// signing is a client of somebody with other things to sign with, or at another time.
func (b *bench) signing(change func(*s3.Options)) error {
	_, err := b.another(change).PutObject(b.Context(), &s3.PutObjectInput{Bucket: aws.String("exports"), Key: aws.String("k"), Body: strings.NewReader("text")})
	return err
}

func TestSignatures(t *testing.T) {
	b := newBench(t, false)
	key := func(id, secret, token string) func(*s3.Options) {
		return func(o *s3.Options) { o.Credentials = credentials.NewStaticCredentialsProvider(id, secret, token) }
	}
	for name, c := range map[string]struct {
		change func(*s3.Options)
		want   string
	}{
		"right":          {key("local", "secret", "token"), ""},
		"another secret": {key("local", "Secret", "token"), "SignatureDoesNotMatch"},
		"another key":    {key("nobody", "secret", "token"), "InvalidAccessKeyId"},
		"no token":       {key("local", "secret", ""), "InvalidToken"},
		"another region": {func(o *s3.Options) { o.Region = "eu-west-1" }, "AuthorizationHeaderMalformed"},
		"nobody":         {func(o *s3.Options) { o.Credentials = aws.AnonymousCredentials{} }, "AccessDenied"},
		"a body that isn't what was signed": {spoiled(func(r *http.Request) {
			r.Body, r.ContentLength = io.NopCloser(strings.NewReader("test")), 4
		}), "XAmzContentSHA256Mismatch"},
		"another path":               {spoiled(func(r *http.Request) { r.URL.Path += "2" }), "SignatureDoesNotMatch"},
		"another host":               {spoiled(func(r *http.Request) { r.Host = "example.com" }), "SignatureDoesNotMatch"},
		"a parameter that is added":  {spoiled(func(r *http.Request) { r.URL.RawQuery += "&partNumber=1" }), "SignatureDoesNotMatch"},
		"a header that isn't signed": {spoiled(func(r *http.Request) { r.Header.Set("X-Amz-Acl", "public-read") }), "AccessDenied"},
	} {
		if got := code(b.signing(c.change)); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	for minutes, want := range map[int]string{-16: "RequestTimeTooSkewed", -14: "", 14: "", 16: "RequestTimeTooSkewed"} {
		b.now = time.Now().Add(time.Duration(minutes) * time.Minute)
		if got := code(b.signing(func(o *s3.Options) { o.Retryer = aws.NopRetryer{} })); got != want {
			t.Errorf("%d minutes away: %q, want %q", minutes, got, want)
		}
	}
}

// spoiled changes a request on its way.
func spoiled(change func(*http.Request)) func(*s3.Options) {
	return func(o *s3.Options) {
		inner := o.HTTPClient
		o.HTTPClient = doer(func(r *http.Request) (*http.Response, error) {
			r = r.Clone(r.Context())
			change(r)
			return inner.Do(r)
		})
	}
}

type doer func(*http.Request) (*http.Response, error)

func (d doer) Do(r *http.Request) (*http.Response, error) { return d(r) }

func TestChecksumsBehindTheBody(t *testing.T) {
	b := newBench(t, true)
	for name, c := range map[string]struct{ from, to, want string }{
		"as it was sent":   {"", "", ""},
		"another byte":     {"text", "test", "BadDigest"},
		"another checksum": {"x-amz-checksum-crc32:", "x-amz-checksum-crc32:A", "BadDigest"},
		"no checksum":      {"x-amz-checksum-crc32:", "x-amz-checksum-crc64:", "BadDigest"},
		"no size":          {"4\r\n", "?\r\n", "InvalidRequest"},
		"a short chunk":    {"4\r\n", "3\r\n", "InvalidRequest"},
	} {
		err := b.signing(spoiled(func(r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err != nil || r.Header.Get("X-Amz-Content-Sha256") != "STREAMING-UNSIGNED-PAYLOAD-TRAILER" {
				t.Fatal("the SDK doesn't send trailers any more: ", r.Header, err)
			}
			body = bytes.Replace(body, []byte(c.from), []byte(c.to), 1)
			r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		}))
		if got := code(err); got != c.want && !(c.want == "" && err == nil) {
			if name == "another checksum" && got == "SignatureDoesNotMatch" {
				continue // the length was signed
			}
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func TestSignedURLs(t *testing.T) {
	b := newBench(t, false)
	b.put("k", "text")
	presigned, err := s3.NewPresignClient(b.client).PresignGetObject(t.Context(), &s3.GetObjectInput{
		Bucket: aws.String("exports"), Key: aws.String("k"), ResponseContentDisposition: aws.String(`attachment; filename="消费.csv"`),
	}, s3.WithPresignExpires(5*time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	fetch := func(method, url string) (int, string, http.Header) {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), method, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		body, _ := io.ReadAll(answer.Body)
		return answer.StatusCode, string(body), answer.Header
	}
	status, body, header := fetch(http.MethodGet, presigned.URL)
	if status != http.StatusOK || body != "text" || header.Get("Content-Disposition") != `attachment; filename="消费.csv"` || header.Get("X-Amz-Expiration") == "" {
		t.Error(status, body, header)
	}
	for name, url := range map[string]string{
		"of another key":     strings.Replace(presigned.URL, "/k?", "/l?", 1),
		"for longer":         strings.Replace(presigned.URL, "X-Amz-Expires=300", "X-Amz-Expires=3000", 1),
		"with another name":  strings.Replace(presigned.URL, "attachment", "inline", 1),
		"without signature":  b.url + "/exports/k",
		"with a signature":   b.url + "/exports/k?X-Amz-Signature=0",
		"with one bit wrong": presigned.URL[:len(presigned.URL)-1] + "x",
	} {
		if status, body, _ := fetch(http.MethodGet, url); status != http.StatusForbidden && status != http.StatusBadRequest {
			t.Errorf("%s: %d %s", name, status, body)
		}
	}
	if status, _, _ := fetch(http.MethodDelete, presigned.URL); status != http.StatusForbidden {
		t.Errorf("deleted by a URL to read: %d", status)
	}
	b.now = b.now.Add(5*time.Minute - 2*time.Second)
	if status, body, _ := fetch(http.MethodGet, presigned.URL); status != http.StatusOK {
		t.Errorf("before its end: %d %s", status, body)
	}
	b.now = b.now.Add(2 * time.Second)
	if status, body, _ := fetch(http.MethodGet, presigned.URL); status != http.StatusForbidden || !strings.Contains(body, "Request has expired") {
		t.Errorf("at its end: %d %s", status, body)
	}
}

func TestABucketInTheHost(t *testing.T) {
	b := newBench(t, false)
	b.put("k", "text")
	address := strings.TrimPrefix(b.url, "http://")
	_, port, _ := strings.Cut(address, ":")
	dial := &http.Transport{}
	dial.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, address)
	}
	client := b.another(func(o *s3.Options) {
		o.UsePathStyle, o.BaseEndpoint = false, aws.String("http://localhost:"+port)
		o.HTTPClient = &http.Client{Transport: dial}
	})
	out, err := client.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("exports"), Key: aws.String("k")})
	if err != nil {
		t.Fatal(err)
	}
	if body, _ := io.ReadAll(out.Body); string(body) != "text" {
		t.Errorf("%q", body)
	}
}

func TestWhoseRequestItIs(t *testing.T) {
	b := newBench(t, false)
	got := map[string]bool{}
	for name, r := range map[string]*http.Request{
		"a bucket":      httptest.NewRequest(http.MethodGet, "/exports/k", nil),
		"no bucket":     httptest.NewRequest(http.MethodPost, "/", nil),
		"another queue": httptest.NewRequest(http.MethodPost, "/000000000000/bills", nil),
	} {
		got[name] = b.server.Owns(r)
	}
	if diff := cmp.Diff(map[string]bool{"a bucket": true, "no bucket": false, "another queue": false}, got); diff != "" {
		t.Error(diff)
	}
}

func TestWhatIsntSimulatedIsRefused(t *testing.T) {
	b := newBench(t, false)
	b.put("k", "text")
	if _, err := b.client.GetObjectAcl(t.Context(), &s3.GetObjectAclInput{Bucket: aws.String("exports"), Key: aws.String("k")}); code(err) != "NotImplemented" {
		t.Error(err)
	}
	if _, err := b.client.CopyObject(t.Context(), &s3.CopyObjectInput{Bucket: aws.String("exports"), Key: aws.String("l"), CopySource: aws.String("exports/k")}); code(err) != "NotImplemented" {
		t.Error(err)
	}
	if _, err := b.client.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String("exports")}); code(err) != "NotImplemented" {
		t.Error(err)
	}
}
