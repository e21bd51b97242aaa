// Package contract holds requests and answers against openapi.yaml, so that the document can't promise what the
// functions don't keep. apitest.Send calls Check for every event of every handler's test.
//
// The document leaves answers open to further members, since clients must ignore what they don't know. Here they are
// closed: a member, a status, a header or a content type that isn't described is a fault.
package contract

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-lambda-go/events"
	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"

	"billingcentre/shared/api"
)

// takesAnything marks operations whose answer doesn't depend on a request that is as described.
const takesAnything = "x-takes-anything"

// Document is openapi.yaml, valid with all its examples. It is read once, and closed as the package says.
var Document = sync.OnceValues(func() (*openapi3.T, error) {
	document, err := openapi3.NewLoader().LoadFromData(api.OpenAPI)
	if err != nil {
		return nil, fmt.Errorf("openapi.yaml: %w", err)
	}
	for _, schema := range document.Components.Schemas {
		shut(schema)
	}
	if err := document.Validate(context.Background()); err != nil {
		return nil, fmt.Errorf("openapi.yaml: %w", err)
	}
	return document, nil
})

// shut closes an object, and those within it, to members that aren't described.
func shut(ref *openapi3.SchemaRef) {
	if ref == nil || ref.Value == nil {
		return
	}
	schema := ref.Value
	if extra := &schema.AdditionalProperties; len(schema.Properties) > 0 && extra.Has == nil && extra.Schema == nil {
		extra.Has = new(bool)
	}
	for _, property := range schema.Properties {
		shut(property)
	}
	shut(schema.Items)
}

// Check tells where an answer, or the request that got it, isn't as openapi.yaml describes them.
func Check(event events.APIGatewayV2HTTPRequest, answer events.APIGatewayV2HTTPResponse) error {
	route, err := routeOf(event.RouteKey)
	if err != nil {
		return err
	}
	if route == nil {
		if answer.StatusCode == http.StatusNotFound {
			return nil
		}
		return fmt.Errorf("%s: the route isn't described", event.RouteKey)
	}
	input, err := inputOf(event, route)
	if err != nil {
		return err
	}
	return errors.Join(checkRequest(input, answer.StatusCode), checkAnswer(input, answer))
}

// routeOf is the operation that a route's key names, or nil. API Gateway has matched the path: its word is taken.
func routeOf(key string) (*routers.Route, error) {
	document, err := Document()
	if err != nil {
		return nil, err
	}
	method, path, _ := strings.Cut(key, " ")
	item := document.Paths.Value(path)
	if item == nil || item.Operations()[method] == nil {
		return nil, nil
	}
	return &routers.Route{Spec: document, Path: path, PathItem: item, Method: method, Operation: item.Operations()[method]}, nil
}

var options = &openapi3filter.Options{
	AuthenticationFunc:                openapi3filter.NoopAuthenticationFunc, // API Gateway's, by template.yaml
	IncludeResponseStatus:             true,
	RejectWhenRequestBodyNotSpecified: true,
	SkipSettingDefaults:               true,
	MultiError:                        true,
}

func inputOf(event events.APIGatewayV2HTTPRequest, route *routers.Route) (*openapi3filter.RequestValidationInput, error) {
	body, err := bytesOf(event.Body, event.IsBase64Encoded)
	if err != nil {
		body = []byte(event.Body) // the flag lies: such a request is invalid in any case
	}
	address := url.URL{Scheme: "https", Host: "api.example.com", Path: event.RawPath, RawQuery: event.RawQueryString}
	request, err := http.NewRequestWithContext(context.Background(), route.Method, address.String(), bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", event.RouteKey, err)
	}
	for name, value := range event.Headers {
		request.Header.Set(name, value)
	}
	if len(body) == 0 {
		request.Body = http.NoBody
	}
	return &openapi3filter.RequestValidationInput{
		Request: request, PathParams: event.PathParameters, QueryParams: request.URL.Query(), Route: route, Options: options,
	}, nil
}

func bytesOf(body string, encoded bool) ([]byte, error) {
	if encoded {
		return base64.StdEncoding.DecodeString(body)
	}
	return []byte(body), nil
}

// unseen are the statuses by which a request is refused for its form, or before anybody looked at it.
var unseen = []int{
	http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusRequestEntityTooLarge,
	http.StatusUnsupportedMediaType, http.StatusInternalServerError,
}

// checkRequest says no to a request that was taken though the document forbids it.
func checkRequest(input *openapi3filter.RequestValidationInput, status int) error {
	if _, any := input.Route.Operation.Extensions[takesAnything]; any || slices.Contains(unseen, status) {
		return nil
	}
	if err := openapi3filter.ValidateRequest(context.Background(), input); err != nil {
		return fmt.Errorf("%d, though the request isn't as described: %w", status, err)
	}
	return nil
}

func checkAnswer(input *openapi3filter.RequestValidationInput, answer events.APIGatewayV2HTTPResponse) error {
	body, err := bytesOf(answer.Body, answer.IsBase64Encoded)
	if err != nil {
		return fmt.Errorf("the answer's body isn't base64: %w", err)
	}
	header := http.Header{}
	for name, value := range answer.Headers {
		header.Set(name, value)
		if err := described(input.Route.Operation, answer.StatusCode, name); err != nil {
			return err
		}
	}
	err = openapi3filter.ValidateResponse(context.Background(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: input, Status: answer.StatusCode, Header: header, Body: io.NopCloser(bytes.NewReader(body)), Options: options,
	})
	if err != nil {
		return fmt.Errorf("%d isn't as described: %w", answer.StatusCode, err)
	}
	return nil
}

// described says no to a header that the answer of a status isn't said to have.
func described(operation *openapi3.Operation, status int, header string) error {
	switch http.CanonicalHeaderKey(header) {
	case "Content-Type", "Cache-Control":
		return nil
	}
	if response := operation.Responses.Status(status); response != nil && response.Value != nil {
		for name := range response.Value.Headers {
			if strings.EqualFold(name, header) {
				return nil
			}
		}
	}
	return fmt.Errorf("%d has the header %s, which isn't described", status, header)
}
