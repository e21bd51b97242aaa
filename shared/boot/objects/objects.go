// Package objects is the cold start of functions that keep files in S3.
package objects

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"billingcentre/shared/boot"
	"billingcentre/shared/shelf"
)

// Shelf is the bucket whose name a variable has.
func Shelf(b *boot.Boot, variable string) *shelf.Shelf {
	endpoint := boot.Endpoint("S3")
	return &shelf.Shelf{Bucket: b.Env(variable), Client: s3.New(s3.Options{
		Region: b.Env("AWS_REGION"), Credentials: b.Credentials(), HTTPClient: b.HTTP(), BaseEndpoint: endpoint,
		UsePathStyle: endpoint != nil, // a bucket has no name of its own on this machine
		// The SDK's own default is set by its config package, which functions leave out.
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenSupported, ResponseChecksumValidation: aws.ResponseChecksumValidationWhenRequired,
	})}
}
