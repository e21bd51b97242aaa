package dynamo

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"

	"billingcentre/shared/ledger"
	"billingcentre/shared/metric"
)

// What a failed call means:
//
//	the database says           nothing was written  and the ledger is told
//	a condition failed          certain              TakenError, ErrStale, ErrMoved
//	a conflict                  certain              ErrContended
//	a throttle, in any form     certain              ErrThrottled
//	invalid, denied, too large  certain              a fault, for the log
//	5xx, or nothing             not known            ErrUnknown
//
// The SDK tries a call up to three times and returns the last failure only. When an earlier try has no answer, a
// conflict or a throttle of the last one says nothing about it, and the call as a whole is in doubt. A condition that
// failed, or a request that is invalid, fails for the earlier try too.

// doubtKey is where a write's context keeps whether one of its tries is in doubt.
type doubtKey struct{}

// watched is a context whose call notes in doubt when one of its tries has no answer.
func watched(ctx context.Context) (_ context.Context, doubt *atomic.Bool) {
	doubt = new(atomic.Bool)
	return context.WithValue(ctx, doubtKey{}, doubt), doubt
}

// watch puts what notes that beneath the SDK's retries.
func watch(stack *middleware.Stack) error {
	return stack.Finalize.Insert(middleware.FinalizeMiddlewareFunc("LedgerDoubt", func(
		ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler,
	) (middleware.FinalizeOutput, middleware.Metadata, error) {
		out, metadata, err := next.HandleFinalize(ctx, in)
		if doubt, ok := ctx.Value(doubtKey{}).(*atomic.Bool); ok && err != nil && classify(err) == unanswered {
			doubt.Store(true)
		}
		return out, metadata, err
	}), "Retry", middleware.After)
}

// meaning is the class of a failure.
type meaning int

const (
	unanswered meaning = iota
	conflicted
	throttled
	rejected // by the database, for what it is
	unsent   // it never left this process
)

// classify tells what the failure of one try, or the last failure of a call, means.
func classify(err error) meaning {
	var (
		api       smithy.APIError
		answered  *awshttp.ResponseError
		unencoded *smithy.SerializationError
		invalid   smithy.InvalidParamsError
	)
	switch {
	case errors.As(err, &unencoded), errors.As(err, &invalid):
		return unsent
	case !errors.As(err, &api):
		return unanswered
	case api.ErrorCode() == "TransactionInProgressException":
		return unanswered // an earlier try of the same call is still at work
	case api.ErrorCode() == "TransactionConflictException", api.ErrorCode() == "ReplicatedWriteConflictException":
		return conflicted
	}
	if _, throttles := retry.DefaultThrottleErrorCodes[api.ErrorCode()]; throttles {
		return throttled
	}
	if errors.As(err, &answered) && answered.HTTPStatusCode() >= 400 && answered.HTTPStatusCode() < 500 {
		return rejected
	}
	return unanswered
}

// readFailure is the ledger's error for a failed read.
func readFailure(ctx context.Context, err error) error { return writeFailure(ctx, err, false) }

// writeFailure is the ledger's error for a failed call; nil for none. doubt tells whether an earlier try of the call
// may have been written, or may still be.
func writeFailure(ctx context.Context, err error, doubt bool) error {
	if err == nil {
		return nil
	}
	means := classify(err)
	if means == throttled {
		logThrottle(ctx, err)
	}
	if doubt && (means == conflicted || means == throttled) {
		means = unanswered
	}
	switch means {
	case unanswered:
		return fmt.Errorf("%w (%w)", ledger.ErrUnknown, err)
	case conflicted:
		return fmt.Errorf("%w (%w)", ledger.ErrContended, err)
	case throttled:
		return fmt.Errorf("%w (%w)", ledger.ErrThrottled, err)
	}
	return fmt.Errorf("dynamo: %w", err)
}

// cancellation is the ledger's error for a cancelled transaction, whose reasons are in the order of its actions. The
// conditions that failed count first: what else was in the way doesn't matter any more.
func cancellation(ctx context.Context, err *types.TransactionCanceledException, doubt bool, failed func([]int) error) error {
	var indexes []int
	means := unanswered
	for i, reason := range err.CancellationReasons {
		switch code := value(reason.Code); code {
		case "", "None":
		case "ConditionalCheckFailed":
			indexes = append(indexes, i)
		case "TransactionConflict":
			means = max(means, conflicted)
		case "ThrottlingError", "ProvisionedThroughputExceeded", "RequestLimitExceeded":
			means = max(means, throttled)
			tellThrottle(ctx, code, value(reason.Message))
		default: // ValidationError, ItemCollectionSizeLimitExceeded, and whatever may be invented
			means = max(means, rejected)
		}
	}
	switch {
	case len(indexes) > 0:
		return failed(indexes)
	case means == rejected:
		return fmt.Errorf("dynamo: %w", err)
	case doubt:
		return fmt.Errorf("%w (%w)", ledger.ErrUnknown, err)
	case means == throttled:
		return fmt.Errorf("%w (%w)", ledger.ErrThrottled, err)
	}
	return fmt.Errorf("%w (%w)", ledger.ErrContended, err)
}

// logThrottle logs which limit was met (a hot key, the table, the account) and where: they need different cures.
func logThrottle(ctx context.Context, err error) {
	var reasons []types.ThrottlingReason
	if e, ok := errors.AsType[*types.ThrottlingException](err); ok {
		reasons = e.ThrottlingReasons
	} else if e, ok := errors.AsType[*types.ProvisionedThroughputExceededException](err); ok {
		reasons = e.ThrottlingReasons
	} else if e, ok := errors.AsType[*types.RequestLimitExceeded](err); ok {
		reasons = e.ThrottlingReasons
	}
	if len(reasons) == 0 {
		tellThrottle(ctx, "unknown", err.Error())
	}
	for _, reason := range reasons {
		tellThrottle(ctx, value(reason.Reason), value(reason.Resource))
	}
}

// tellThrottle logs one limit that was met; the line counts in the metric Throttles, by Reason.
func tellThrottle(ctx context.Context, reason, detail string) {
	slog.WarnContext(ctx, "throttled", append(metric.Attrs(time.Now(), "Throttles", 1, "Reason", reason), "detail", detail)...)
}

func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
