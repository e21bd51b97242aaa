package objects_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"

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
