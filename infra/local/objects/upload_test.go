package objects_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

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
