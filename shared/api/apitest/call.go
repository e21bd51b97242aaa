package apitest

import (
	"maps"
	"strings"

	"github.com/aws/aws-lambda-go/events"

	"billingcentre/shared/api"
)

// Call is one request of a table test. Its zero fields are left out of the event.
type Call struct {
	Route  string            // such as "POST /v1/accounts/{account}/recharges"
	Params map[string]string // of the route's path
	Query  string
	Caller api.Caller // the zero Caller has no token's claims
	Key    string     // Idempotency-Key
	Body   string     // JSON, unless Header says otherwise
	Header map[string]string
}

// Event is the call as API Gateway would hand it over.
func (c Call) Event() events.APIGatewayV2HTTPRequest {
	method, path, _ := strings.Cut(c.Route, " ")
	for name, value := range c.Params {
		path = strings.ReplaceAll(path, "{"+name+"}", value)
	}
	headers := map[string]string{"accept": "application/json", "host": "api.example.com"}
	if c.Body != "" {
		headers["content-type"] = "application/json"
	}
	if c.Key != "" {
		headers["idempotency-key"] = c.Key
	}
	maps.Copy(headers, c.Header)
	return events.APIGatewayV2HTTPRequest{
		Version: "2.0", RouteKey: c.Route, RawPath: path, RawQueryString: c.Query, Headers: headers, PathParameters: c.Params, Body: c.Body,
		RequestContext: events.APIGatewayV2HTTPRequestContext{
			RouteKey: c.Route, Stage: "$default", RequestID: "test-request", Authorizer: authorizer(c.Caller),
			HTTP: events.APIGatewayV2HTTPRequestContextHTTPDescription{
				Method: method, Path: path, Protocol: "HTTP/1.1", SourceIP: "192.0.2.7", UserAgent: "apitest",
			},
		},
	}
}

func authorizer(c api.Caller) *events.APIGatewayV2HTTPRequestContextAuthorizerDescription {
	if c == (api.Caller{}) {
		return nil
	}
	claims := map[string]string{"sub": c.Subject, "role": string(c.Role)}
	if c.Account != "" {
		claims["account"] = string(c.Account)
	}
	if c.Partner != "" {
		claims["partner"] = c.Partner
	}
	return &events.APIGatewayV2HTTPRequestContextAuthorizerDescription{
		JWT: &events.APIGatewayV2HTTPRequestContextAuthorizerJWTDescription{Claims: claims},
	}
}
