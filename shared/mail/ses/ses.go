// Package ses hands letters over to Amazon SES, by the API v2's SendEmail.
//
// SES has no idempotency tokens: a call that is repeated is a second letter. So nothing here repeats a call, the SDK's own
// retries are off (see Client), and every failure is told apart by the one question that matters: was the letter taken?
// A refusal of SES's says no. A connection that never came about says no. All else, a 5xx, a reset, a time-out, says nothing.
package ses

import (
	"context"
	"errors"
	"mime"
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sesv2/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"billingcentre/shared/mail"
)

// API is what of SES is used.
type API interface {
	SendEmail(ctx context.Context, in *sesv2.SendEmailInput, options ...func(*sesv2.Options)) (*sesv2.SendEmailOutput, error)
}

// Sender implements mail.Sender.
type Sender struct {
	API              API
	From             string // an address of a verified identity
	ConfigurationSet string // publishes what becomes of a letter
}

// Client is a client that tries once.
func Client(o sesv2.Options) *sesv2.Client {
	o.Retryer = aws.NopRetryer{}
	return sesv2.New(o)
}

// Send implements mail.Sender.
func (s *Sender) Send(ctx context.Context, e mail.Envelope) (string, error) {
	out, err := s.API.SendEmail(ctx, s.input(e))
	if err != nil {
		return "", failure(err)
	}
	return aws.ToString(out.MessageId), nil
}

func (s *Sender) input(e mail.Envelope) *sesv2.SendEmailInput {
	text := func(data string) *types.Content {
		return &types.Content{Data: aws.String(data), Charset: aws.String("UTF-8")}
	}
	header := func(name, value string) types.MessageHeader {
		return types.MessageHeader{Name: aws.String(name), Value: aws.String(value)}
	}
	in := &sesv2.SendEmailInput{
		FromEmailAddress:     aws.String(mime.QEncoding.Encode("utf-8", e.Letter.Sender) + " <" + s.From + ">"),
		ConfigurationSetName: aws.String(s.ConfigurationSet),
		Destination:          &types.Destination{ToAddresses: []string{e.To}},
		Content: &types.EmailContent{Simple: &types.Message{
			Subject: text(e.Letter.Subject),
			Body:    &types.Body{Text: text(e.Letter.Plain), Html: text(e.Letter.HTML)},
			Headers: []types.MessageHeader{ // so that no out-of-office answers them
				header("Auto-Submitted", "auto-generated"), header("Content-Language", string(e.Letter.Language)),
			},
		}},
	}
	for name, value := range e.Tags {
		in.EmailTags = append(in.EmailTags, types.MessageTag{Name: aws.String(name), Value: aws.String(value)})
	}
	slices.SortFunc(in.EmailTags, func(a, b types.MessageTag) int { return strings.Compare(*a.Name, *b.Name) })
	return in
}

// passing are the refusals that may be over later: rates, quotas, a domain that isn't verified yet, sending that was paused. They
// are the operator's to mend, not the addressee's fault.
var passing = []string{
	"TooManyRequestsException", "LimitExceededException", "SendingPausedException", "AccountSuspendedException",
	"MailFromDomainNotVerifiedException", "NotFoundException", "ThrottlingException", "Throttling",
}

// failure tells whether a letter was taken.
func failure(err error) *mail.Failure {
	var answer *smithyhttp.ResponseError
	var named smithy.APIError
	var dial *net.OpError
	switch {
	case errors.As(err, &answer) && answer.HTTPStatusCode() == http.StatusTooManyRequests:
		return &mail.Failure{Fate: mail.Later, Reason: "TooManyRequestsException", Err: err}
	case errors.As(err, &answer) && answer.HTTPStatusCode()/100 == 4 && errors.As(err, &named):
		return &mail.Failure{Fate: fate(answer.HTTPStatusCode(), named), Reason: named.ErrorCode(), Err: err}
	case errors.As(err, &dial) && dial.Op == "dial":
		return &mail.Failure{Fate: mail.Later, Reason: "not reached", Err: err}
	}
	return &mail.Failure{Fate: mail.Unknown, Reason: "no answer", Err: err}
}

// fate is what a refusal by name means. What we may not do (403) is ours to mend, too.
func fate(status int, named smithy.APIError) mail.Fate {
	unverified := named.ErrorCode() == "MessageRejected" && strings.Contains(named.ErrorMessage(), "not verified")
	if slices.Contains(passing, named.ErrorCode()) || status == http.StatusForbidden || unverified {
		return mail.Later
	}
	return mail.Refused
}
