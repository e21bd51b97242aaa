package shelf_test

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

	"billingcentre/infra/local/objects"
	"billingcentre/shared/shelf"
)

// newShelf is a shelf on the stand-in for S3.
func newShelf(t *testing.T) *shelf.Shelf {
	t.Helper()
	server, err := objects.New(objects.Options{
		Dir: t.TempDir(), Keys: []objects.Key{{ID: "local", Secret: "local", Token: "local"}}, Buckets: []objects.Bucket{{Name: "files", MinimumPart: 10}},
	})
	if err != nil {
		t.Fatal(err)
	}
	front := httptest.NewServer(server)
	t.Cleanup(front.Close)
	return &shelf.Shelf{Bucket: "files", Client: s3.New(s3.Options{
		Region: "us-east-1", BaseEndpoint: &front.URL, UsePathStyle: true, RetryMaxAttempts: 1,
		Credentials:                credentials.NewStaticCredentialsProvider("local", "local", "local"),
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenSupported, ResponseChecksumValidation: aws.ResponseChecksumValidationWhenRequired,
	})}
}

// fetch gets a file as anybody does who has its URL.
func fetch(t *testing.T, s *shelf.Shelf, key string) (text string, header http.Header) {
	t.Helper()
	url, err := s.URL(t.Context(), key, "bills.csv", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.Get(url) //nolint:noctx // a test's
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	if answer.StatusCode != http.StatusOK {
		return answer.Status, nil
	}
	return string(body), answer.Header
}

const media = "text/csv; charset=utf-8"

func TestAWholeFile(t *testing.T) {
	s := newShelf(t)
	for _, text := range []string{"one", "two"} { // twice does no harm
		if err := s.Put(t.Context(), "exports/a/x.csv", media, []byte(text)); err != nil {
			t.Fatal(err)
		}
		got, header := fetch(t, s, "exports/a/x.csv")
		if got != text || header.Get("Content-Type") != media || header.Get("Content-Disposition") != `attachment; filename="bills.csv"` {
			t.Error(got, header)
		}
	}
	if got, _ := fetch(t, s, "exports/a/y.csv"); got != "404 Not Found" {
		t.Error(got)
	}
}

func TestAFileByParts(t *testing.T) {
	s, key := newShelf(t), "exports/a/x.csv"
	upload, err := s.Begin(t.Context(), key, media)
	if err != nil {
		t.Fatal(err)
	}
	var parts []shelf.Part
	for i, text := range []string{strings.Repeat("a", 10), strings.Repeat("b", 10), "c"} {
		part, err := s.Add(t.Context(), key, upload, int32(i+1), []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, part)
	}
	again, err := s.Add(t.Context(), key, upload, 3, []byte("d")) // the last one stands
	if err != nil {
		t.Fatal(err)
	}
	if err := s.End(t.Context(), key, upload, parts); !errors.Is(err, shelf.ErrGone) {
		t.Error("ended with a part that was replaced:", err)
	}
	parts[2] = again
	if err := s.End(t.Context(), key, upload, parts); err != nil {
		t.Fatal(err)
	}
	if got, header := fetch(t, s, key); got != "aaaaaaaaaabbbbbbbbbbd" || header.Get("Content-Type") != media {
		t.Error(got, header)
	}
	for what, err := range map[string]error{
		"ended":   s.End(t.Context(), key, upload, parts),
		"added":   func() error { _, err := s.Add(t.Context(), key, upload, 4, []byte("e")); return err }(),
		"dropped": s.Drop(t.Context(), key, upload),
	} {
		if errors.Is(err, shelf.ErrGone) != (what != "dropped") {
			t.Errorf("%s after its end: %v", what, err)
		}
	}
}
