package marketplace

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"
)

const (
	awsTarget   = "AWSMPMeteringService."
	awsMedia    = "application/x-amz-json-1.1"
	awsMost     = 25
	awsMostBody = 1 << 20
)

// awsRequest is BatchMeterUsage's input.
type awsRequest struct {
	ProductCode  string
	UsageRecords []awsRecord
}

type awsRecord struct {
	Timestamp            float64 `json:",omitempty"` // seconds since 1970
	CustomerIdentifier   string  `json:",omitempty"`
	CustomerAWSAccountId string  `json:",omitempty"`
	LicenseArn           string  `json:",omitempty"`
	Dimension            string
	Quantity             int64
	UsageAllocations     []any `json:",omitempty"`
}

func (r awsRecord) customer() string { return cmp.Or(r.CustomerAWSAccountId, r.CustomerIdentifier) }

func (r awsRecord) at() time.Time {
	whole, part := math.Modf(r.Timestamp)
	return time.Unix(int64(whole), int64(part*1e9)).UTC()
}

// key is under what the service keeps one record.
func (r awsRecord) key(product string) string {
	return strings.Join([]string{"aws", product, r.customer(), r.LicenseArn, r.Dimension, r.at().Format("2006-01-02T15")}, "\x00")
}

type awsResult struct {
	UsageRecord      awsRecord
	MeteringRecordId string `json:",omitempty"`
	Status           string
}

type awsFault struct {
	status     int
	kind, text string
}

func (s *Server) aws(w http.ResponseWriter, r *http.Request) {
	fate := s.fate("aws")
	if fate == Lost {
		lose()
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, awsMostBody+1))
	if err != nil {
		lose()
	}
	refuse := func(f awsFault) {
		w.Header().Set("X-Amzn-ErrorType", f.kind)
		reply(w, f.status, awsMedia, map[string]string{"__type": f.kind, "message": f.text})
	}
	if fault := s.unsigned(r, body); fault != nil {
		refuse(*fault)
		return
	}
	switch fate {
	case Throttled:
		refuse(awsFault{http.StatusBadRequest, "ThrottlingException", "Rate exceeded"})
		return
	case ServerError:
		refuse(awsFault{http.StatusInternalServerError, "InternalServiceErrorException", "An internal error has occurred"})
		return
	}
	if operation := strings.TrimPrefix(r.Header.Get("X-Amz-Target"), awsTarget); operation != "BatchMeterUsage" {
		refuse(awsFault{http.StatusBadRequest, "UnknownOperationException", operation})
		return
	}
	results, unprocessed, fault := s.batch(body, fate)
	if fault != nil {
		refuse(*fault)
		return
	}
	if fate == ServerErrorDone {
		refuse(awsFault{http.StatusInternalServerError, "InternalServiceErrorException", "An internal error has occurred"})
		return
	}
	if fate == Forgetful {
		results, fate = slices.DeleteFunc(results, everySecond[awsResult]()), Fine
	}
	deliver(w, r, fate, func(w http.ResponseWriter) {
		reply(w, http.StatusOK, awsMedia, map[string]any{"Results": results, "UnprocessedRecords": unprocessed})
	})
}

func everySecond[T any]() func(T) bool {
	n := 0
	return func(T) bool { n++; return n%2 == 1 }
}

// batch meters all records, or none: one that is invalid takes all others with it.
func (s *Server) batch(body []byte, fate Fate) (results []awsResult, unprocessed []awsRecord, fault *awsFault) {
	results, unprocessed = []awsResult{}, []awsRecord{}
	var request awsRequest
	if err := json.Unmarshal(body, &request); err != nil || len(body) > awsMostBody {
		return nil, nil, &awsFault{http.StatusBadRequest, "SerializationException", "the request can't be read"}
	}
	if n := len(request.UsageRecords); n == 0 || n > awsMost {
		return nil, nil, invalid("ValidationException", "UsageRecords must have 1 to %d members, not %d", awsMost, n)
	}
	for _, r := range request.UsageRecords {
		if fault := s.invalid(request.ProductCode, r); fault != nil {
			return nil, nil, fault
		}
	}
	skip := everySecond[awsRecord]()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range request.UsageRecords {
		if fate == Partial && skip(r) {
			unprocessed = append(unprocessed, r)
			continue
		}
		results = append(results, s.meter(request.ProductCode, r))
	}
	return results, unprocessed, nil
}

func invalid(kind, text string, args ...any) *awsFault {
	return &awsFault{http.StatusBadRequest, kind, fmt.Sprintf(text, args...)}
}

func (s *Server) invalid(product string, r awsRecord) *awsFault {
	now := s.options.Now()
	switch {
	case (product == "") == (r.LicenseArn == ""):
		return invalid("InvalidLicenseException", "either the request's product code or each record's licence")
	case product != "" && s.options.Product != "" && product != s.options.Product:
		return invalid("InvalidProductCodeException", "no product %s", product)
	case r.LicenseArn != "" && !strings.HasPrefix(r.LicenseArn, "arn:aws:license-manager:"):
		return invalid("InvalidLicenseException", "no licence %s", r.LicenseArn)
	case r.LicenseArn != "" && r.CustomerAWSAccountId == "", r.CustomerIdentifier != "" && r.CustomerAWSAccountId != "":
		return invalid("InvalidCustomerIdentifierException", "a licence's customer is an AWS account")
	case len(s.options.Dimension) > 0 && !slices.Contains(s.options.Dimension, r.Dimension):
		return invalid("InvalidUsageDimensionException", "no dimension %s", r.Dimension)
	case r.Quantity < 0 || r.Quantity > math.MaxInt32:
		return invalid("ValidationException", "quantity %d", r.Quantity)
	case r.at().Before(now.Add(-s.options.Age)) || r.at().After(now):
		return invalid("TimestampOutOfBoundsException", "%s is outside the allowed range", r.at().Format(time.RFC3339))
	case s.standing("aws", r.customer()) == Stranger:
		return invalid("InvalidCustomerIdentifierException", "no customer %s", r.customer())
	}
	return nil
}

// meter keeps one record. The lock is held.
func (s *Server) meter(product string, r awsRecord) awsResult {
	result := awsResult{UsageRecord: r, Status: "Success"}
	if s.standing("aws", r.customer()) == Unsubscribed {
		result.Status = "CustomerNotSubscribed"
		return result
	}
	if at, there := s.byKey[r.key(product)]; there {
		if known := s.accepted[at]; known.Quantity != r.Quantity {
			result.Status = "DuplicateRecord"
		} else {
			result.MeteringRecordId = known.ID
		}
		return result
	}
	result.MeteringRecordId = fmt.Sprintf("meter-%06d", len(s.accepted)+1)
	s.byKey[r.key(product)] = len(s.accepted)
	s.accepted = append(s.accepted, Accepted{
		Provider: "aws", ID: result.MeteringRecordId, Customer: r.customer(), License: r.LicenseArn, Dimension: r.Dimension, Quantity: r.Quantity, At: r.at(),
	})
	return result
}
