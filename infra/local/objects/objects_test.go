package objects_test

import (
	"context"
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
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"
)

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
