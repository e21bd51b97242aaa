package objects_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"billingcentre/infra/local/objects"
)

// The examples of AWS's own documentation ("Signature Calculations", "Authenticating Requests: Using Query Parameters"):
// who signs as they do is let in, and finds no such key; with one digit changed he isn't.
func TestAWSsOwnExamples(t *testing.T) {
	server, err := objects.New(objects.Options{
		Dir: t.TempDir(), Keys: []objects.Key{{ID: "AKIAIOSFODNN7EXAMPLE", Secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}},
		Buckets: []objects.Bucket{{Name: "examplebucket"}}, Now: func() time.Time { return time.Date(2013, 5, 24, 0, 0, 0, 0, time.UTC) },
	})
	if err != nil {
		t.Fatal(err)
	}
	const empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	get := httptest.NewRequest(http.MethodGet, "http://examplebucket.s3.amazonaws.com/test.txt", nil)
	get.Header.Set("Range", "bytes=0-9")
	get.Header.Set("X-Amz-Content-Sha256", empty)
	get.Header.Set("X-Amz-Date", "20130524T000000Z")
	get.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"+
		"SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41")
	url := httptest.NewRequest(http.MethodGet, "http://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256"+
		"&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400"+
		"&X-Amz-SignedHeaders=host&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404", nil)
	wrong := get.Clone(t.Context())
	wrong.Header.Set("Authorization", strings.Replace(get.Header.Get("Authorization"), "f0e8", "f0e9", 1))
	for name, c := range map[string]struct {
		request *http.Request
		want    string
	}{"in a header": {get, "NoSuchKey"}, "in a URL": {url, "NoSuchKey"}, "another digit": {wrong, "SignatureDoesNotMatch"}} {
		answer := httptest.NewRecorder()
		server.ServeHTTP(answer, c.request)
		if !strings.Contains(answer.Body.String(), "<Code>"+c.want+"</Code>") {
			t.Errorf("%s: %d %s", name, answer.Code, answer.Body)
		}
	}
}

// Whatever is in the headers, the answer is a refusal, and nothing breaks.
func FuzzAuthorization(f *testing.F) {
	f.Add("AWS4-HMAC-SHA256 Credential=a/20130524/us-east-1/s3/aws4_request,SignedHeaders=host,Signature=0", "20130524T000000Z", "")
	f.Add("AWS4-HMAC-SHA256", "", "X-Amz-Signature=0&X-Amz-Expires=1&X-Amz-Algorithm=AWS4-HMAC-SHA256")
	f.Add("", "x", "X-Amz-Signature=0&X-Amz-Credential=////")
	server, err := objects.New(objects.Options{Dir: f.TempDir(), Keys: []objects.Key{{ID: "a", Secret: "b"}}, Buckets: []objects.Bucket{{Name: "files"}}})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, authorization, date, query string) {
		r := httptest.NewRequest(http.MethodGet, "/files/k", nil)
		r.Header.Set("Authorization", authorization)
		r.Header.Set("X-Amz-Date", date)
		r.URL.RawQuery = query
		answer := httptest.NewRecorder()
		server.ServeHTTP(answer, r)
		if answer.Code != http.StatusForbidden && answer.Code != http.StatusBadRequest {
			t.Errorf("%d %s", answer.Code, answer.Body)
		}
	})
}
