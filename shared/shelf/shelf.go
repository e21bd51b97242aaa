// Package shelf keeps files that people fetch by a signed URL: a bucket of S3. Files are put there whole, or part by part
// by whoever may run out of time on the way; what a file's key names is there completely, or not at all.
//
// Who fetches a file needs nothing but its URL, which is good for minutes, and is made anew whenever somebody who may
// have the file asks. The bucket's lifecycle rule takes files away, and uploads that nobody ended.
package shelf

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
)

// ErrGone says that an upload isn't there any more: it was ended, dropped, or forgotten.
var ErrGone = errors.New("shelf: the upload is gone")

// Shelf is a bucket.
type Shelf struct {
	Client *s3.Client
	Bucket string
}

// Part is a part that was added.
type Part struct {
	Number   int32  `json:"number"`
	Tag      string `json:"tag"`
	Checksum string `json:"checksum"`
}

// Put puts a whole file.
func (s *Shelf) Put(ctx context.Context, key, media string, content []byte) error {
	_, err := s.Client.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &s.Bucket, Key: &key, ContentType: &media, Body: bytes.NewReader(content), ChecksumAlgorithm: types.ChecksumAlgorithmCrc32,
	})
	return told("put", err)
}

// Begin begins an upload by parts.
func (s *Shelf) Begin(ctx context.Context, key, media string) (upload string, err error) {
	out, err := s.Client.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{
		Bucket: &s.Bucket, Key: &key, ContentType: &media, ChecksumAlgorithm: types.ChecksumAlgorithmCrc32,
	})
	if err != nil {
		return "", told("begin", err)
	}
	return aws.ToString(out.UploadId), nil
}

// Add adds a part, or replaces the one of its number. Numbers begin at 1. A part has at least five MiB, unless it is the last.
func (s *Shelf) Add(ctx context.Context, key, upload string, number int32, content []byte) (Part, error) {
	out, err := s.Client.UploadPart(ctx, &s3.UploadPartInput{
		Bucket: &s.Bucket, Key: &key, UploadId: &upload, PartNumber: &number, Body: bytes.NewReader(content),
		ChecksumAlgorithm: types.ChecksumAlgorithmCrc32,
	})
	if err != nil {
		return Part{}, told("add", err)
	}
	return Part{number, aws.ToString(out.ETag), aws.ToString(out.ChecksumCRC32)}, nil
}

// End makes a file of the parts.
func (s *Shelf) End(ctx context.Context, key, upload string, parts []Part) error {
	in := &s3.CompleteMultipartUploadInput{Bucket: &s.Bucket, Key: &key, UploadId: &upload, MultipartUpload: &types.CompletedMultipartUpload{}}
	for _, p := range parts {
		in.MultipartUpload.Parts = append(in.MultipartUpload.Parts, types.CompletedPart{PartNumber: &p.Number, ETag: &p.Tag, ChecksumCRC32: &p.Checksum})
	}
	_, err := s.Client.CompleteMultipartUpload(ctx, in)
	return told("end", err)
}

// Drop forgets an upload. That it is gone already is no error.
func (s *Shelf) Drop(ctx context.Context, key, upload string) error {
	_, err := s.Client.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: &s.Bucket, Key: &key, UploadId: &upload})
	if err = told("drop", err); errors.Is(err, ErrGone) {
		return nil
	}
	return err
}

// URL is where anybody can fetch a file for a while, under a name of ASCII letters. It is made without asking S3.
func (s *Shelf) URL(ctx context.Context, key, name string, valid time.Duration) (string, error) {
	signed, err := s3.NewPresignClient(s.Client).PresignGetObject(ctx, &s3.GetObjectInput{
		Bucket: &s.Bucket, Key: &key, ResponseContentDisposition: aws.String(fmt.Sprintf("attachment; filename=%q", name)),
	}, s3.WithPresignExpires(valid))
	if err != nil {
		return "", told("sign", err)
	}
	return signed.URL, nil
}

// told says what failed. An upload that is gone, or whose parts are, is ErrGone: it has to be begun again.
func told(what string, err error) error {
	if err == nil {
		return nil
	}
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		switch api.ErrorCode() {
		case "NoSuchUpload", "InvalidPart", "InvalidPartOrder", "EntityTooSmall":
			return fmt.Errorf("shelf: %s: %w: %w", what, ErrGone, err)
		}
	}
	return fmt.Errorf("shelf: %s: %w", what, err)
}
