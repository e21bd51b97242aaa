package api

import (
	"net/http"
	"strconv"

	"github.com/aws/aws-lambda-go/events"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"billingcentre/shared/refusal"
)

// line tells how HTTP says no to a kind of refusal.
type line struct {
	status int
	title  string
}

// statuses is the one table from kinds of refusals to HTTP.
var statuses = map[refusal.Kind]line{
	refusal.Invalid:         {http.StatusBadRequest, "The request is invalid"},
	refusal.TooLarge:        {http.StatusRequestEntityTooLarge, "The request is too large"},
	refusal.Unsupported:     {http.StatusUnsupportedMediaType, "The media type isn't supported"},
	refusal.Unauthenticated: {http.StatusUnauthorized, "Nobody vouches for the caller"},
	refusal.Forbidden:       {http.StatusForbidden, "The caller may not do this"},
	refusal.NotFound:        {http.StatusNotFound, "There is no such thing"},
	refusal.Conflict:        {http.StatusConflict, "The state doesn't allow this"},
	refusal.KeyReused:       {http.StatusUnprocessableEntity, "The key was used with other content"},
	refusal.Insufficient:    {http.StatusUnprocessableEntity, "There isn't enough money"},
	refusal.Expired:         {http.StatusUnprocessableEntity, "It has expired"},
	refusal.NotApplicable:   {http.StatusUnprocessableEntity, "The rules exclude this"},
	refusal.TooEarly:        {http.StatusUnprocessableEntity, "It is too early"},
	refusal.TooMany:         {http.StatusTooManyRequests, "There were too many requests"},
	refusal.Contended:       {http.StatusServiceUnavailable, "The wallet is busy"},
	refusal.Throttled:       {http.StatusServiceUnavailable, "The service is busy"},
	refusal.Unavailable:     {http.StatusServiceUnavailable, "The service is unavailable"},
}

// Problem is the body of every answer that isn't a success (RFC 9457).
type Problem struct {
	Type      string          `json:"type"`
	Title     string          `json:"title"`
	Status    int             `json:"status"`
	Detail    string          `json:"detail,omitempty"`
	Errors    []refusal.Field `json:"errors,omitempty"`
	Needed    string          `json:"needed,omitempty"`
	Available string          `json:"available,omitempty"`
	RequestID string          `json:"request_id,omitempty"`
}

// ProblemType is the type of a kind's problems.
func ProblemType(kind refusal.Kind) string { return "urn:billing-centre:problem:" + string(kind) }

// lineOf is the refusal's line in the table. Neither a fault nor a kind without a line has one.
func lineOf(r *refusal.Refusal) (line line, told bool) {
	if r != nil {
		line, told = statuses[r.Kind]
	}
	return line, told
}

// problemOf turns an error into an answer. What isn't a refusal is told as "internal", without a word of it.
func problemOf(err error, requestID string) events.APIGatewayV2HTTPResponse {
	p := Problem{
		Type: ProblemType("internal"), Title: "Something broke on our side", Status: http.StatusInternalServerError, RequestID: requestID,
	}
	headers := map[string]string{"Content-Type": "application/problem+json"}
	r := refusal.As(err)
	if line, told := lineOf(r); told {
		p.Type, p.Title, p.Status = ProblemType(r.Kind), line.title, line.status
		p.Detail, p.Errors, p.Needed, p.Available = r.Detail, r.Fields, r.Needed, r.Available
		if r.RetryAfter > 0 {
			headers["Retry-After"] = strconv.Itoa(r.RetryAfter)
		}
	}
	// What a refusal repeats of a request, such as a parameter's name, needn't be UTF-8.
	body, marshalErr := json.Marshal(p, jsontext.AllowInvalidUTF8(true))
	if marshalErr != nil {
		p.Status, body = http.StatusInternalServerError, []byte(`{"type":"`+ProblemType("internal")+`","title":"Something broke on our side","status":500}`)
	}
	return events.APIGatewayV2HTTPResponse{StatusCode: p.Status, Headers: headers, Body: string(body)}
}
