// Package aws meters at AWS Marketplace, by BatchMeterUsage of the Metering Service.
//
// The service keeps one record for each customer, dimension and hour. The same record again is answered with Success and
// charged once; another quantity for that hour is DuplicateRecord. Records are taken up to a certain age: 6 hours here.
// The current reference says 24, and 6 hours after the end of a month; 6 is within both, and what it said for years.
//
// New products meter by the licence of an agreement (LicenseArn) and the buyer's AWS account; older ones by product code
// and the identifier that ResolveCustomer gave. A call has records of one of the two kinds only.
//
// Source: AWS SDK for Go v2, service/marketplacemetering v1.45.0, documentation of BatchMeterUsage and types.UsageRecord
// (https://docs.aws.amazon.com/marketplace/latest/APIReference/API_marketplace-metering_BatchMeterUsage.html).
package aws

import (
	"cmp"
	"context"
	"errors"
	"math"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/marketplacemetering"
	"github.com/aws/aws-sdk-go-v2/service/marketplacemetering/types"
	"github.com/aws/smithy-go"

	"billingcentre/shared/metering"
)

// Meter meters one product.
type Meter struct {
	client  *marketplacemetering.Client
	product string
}

// New is a meter of the product with a code. The client must not retry: New sees to that. If the SDK did, the answer to
// its second try would hide that the first may have been taken.
func New(options marketplacemetering.Options, product string) *Meter {
	options.Retryer = aws.NopRetryer{}
	return &Meter{client: marketplacemetering.New(options), product: product}
}

// Limits implements metering.Meter.
func (m *Meter) Limits() metering.Limits {
	return metering.Limits{Records: 25, Quantity: math.MaxInt32, Age: 6 * time.Hour, Again: true}
}

// Push implements metering.Meter. Records with and without a licence go in calls of their own.
func (m *Meter) Push(ctx context.Context, records []metering.Record) []metering.Result {
	results := make([]metering.Result, len(records))
	for _, licensed := range []bool{false, true} {
		var part []metering.Record
		var at []int
		for i, r := range records {
			if (r.License != "") == licensed {
				part, at = append(part, r), append(at, i)
			}
		}
		if len(part) == 0 {
			continue
		}
		for i, result := range metering.Push(ctx, part, m.call) {
			results[at[i]] = result
		}
	}
	return results
}

func (m *Meter) call(ctx context.Context, records []metering.Record) []metering.Result {
	input := &marketplacemetering.BatchMeterUsageInput{}
	if records[0].License == "" {
		input.ProductCode = &m.product
	}
	for _, r := range records {
		input.UsageRecords = append(input.UsageRecords, usage(r))
	}
	output, err := m.client.BatchMeterUsage(ctx, input)
	if err != nil {
		return metering.All(records, failure(err))
	}
	return match(records, output)
}

// usage is a record as the service has it. A customer of twelve digits is an AWS account; others have the identifier of
// an older integration.
func usage(r metering.Record) types.UsageRecord {
	out := types.UsageRecord{
		Dimension: &r.Dimension, Quantity: aws.Int32(int32(r.Quantity)), Timestamp: aws.Time(r.At.UTC()),
	}
	if r.License != "" {
		out.LicenseArn = &r.License
	}
	if isAccount(r.Customer) {
		out.CustomerAWSAccountId = &r.Customer
	} else {
		out.CustomerIdentifier = &r.Customer
	}
	return out
}

func isAccount(customer string) bool {
	return len(customer) == 12 && strings.Trim(customer, "0123456789") == ""
}

// name is what tells records of one call apart: no two of them are of one customer, dimension and time.
func name(r types.UsageRecord) string {
	customer := cmp.Or(aws.ToString(r.CustomerAWSAccountId), aws.ToString(r.CustomerIdentifier))
	at := aws.ToTime(r.Timestamp).UTC().Format(time.RFC3339)
	return strings.Join([]string{customer, aws.ToString(r.LicenseArn), aws.ToString(r.Dimension), at}, "\x00")
}

// match finds each record's result by what it is about: the service doesn't promise their order. A record that the
// answer doesn't name has an unknown outcome.
func match(records []metering.Record, output *marketplacemetering.BatchMeterUsageOutput) []metering.Result {
	told := map[string]metering.Result{}
	for _, r := range output.Results {
		if r.UsageRecord != nil {
			told[name(*r.UsageRecord)] = verdict(r)
		}
	}
	for _, r := range output.UnprocessedRecords {
		told[name(r)] = metering.Result{Verdict: metering.Busy, Code: "UnprocessedRecords", Detail: "The service didn't process it."}
	}
	results := make([]metering.Result, len(records))
	for i, r := range records {
		result, there := told[name(usage(r))]
		if !there {
			result = metering.Result{Verdict: metering.Unknown, Code: "missing", Detail: "The answer doesn't name it."}
		}
		results[i] = result
	}
	return results
}

func verdict(r types.UsageRecordResult) metering.Result {
	result := metering.Result{Verdict: metering.Unknown, Code: string(r.Status)}
	switch r.Status {
	case types.UsageRecordResultStatusSuccess:
		return metering.Result{Verdict: metering.Accepted, Reference: aws.ToString(r.MeteringRecordId)}
	case types.UsageRecordResultStatusCustomerNotSubscribed:
		result.Verdict, result.Detail = metering.NotSubscribed, "The customer isn't subscribed to the product, or no longer."
	case types.UsageRecordResultStatusDuplicateRecord:
		result.Verdict, result.Detail = metering.Duplicate, "The service has another quantity for this customer, dimension and hour."
	}
	return result
}

// blame are the refusals of a call for what one of its records is. "The entire batch is not processed" then.
var blame = map[string]metering.Verdict{
	"TimestampOutOfBoundsException":      metering.Refused,
	"InvalidProductCodeException":        metering.Refused,
	"InvalidUsageDimensionException":     metering.Refused,
	"InvalidLicenseException":            metering.Refused,
	"InvalidUsageAllocationsException":   metering.Refused,
	"InvalidTagException":                metering.Refused,
	"InvalidCustomerIdentifierException": metering.NotSubscribed,
	"CustomerNotEntitledException":       metering.NotSubscribed,
}

// failure is what a failed call says of all its records. A refusal that isn't a record's fault, such as a missing right
// of ours or a throttle, did nothing; a failure of the service may have done anything.
func failure(err error) metering.Result {
	var told smithy.APIError
	if !errors.As(err, &told) {
		return metering.Failed(err)
	}
	result := metering.Result{Verdict: metering.Busy, Code: told.ErrorCode(), Detail: told.ErrorMessage()}
	var answer interface{ HTTPStatusCode() int }
	switch verdict, known := blame[result.Code]; {
	case known:
		result.Verdict = verdict
	case !errors.As(err, &answer) || answer.HTTPStatusCode() >= 500 || result.Code == "InternalServiceErrorException":
		result.Verdict = metering.Unknown
	}
	return result
}
