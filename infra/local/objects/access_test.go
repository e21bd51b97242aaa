package objects_test

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

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
