package gateway

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"
)

// newEvent is a request in payload format 2.0.
func newEvent(c *call, parameters map[string]string, body []byte) events.APIGatewayV2HTTPRequest {
	r := c.request
	event := events.APIGatewayV2HTTPRequest{
		Version: "2.0", RouteKey: c.route.Key(),
		RawPath: r.URL.Path, RawQueryString: r.URL.RawQuery, // the path decoded, the query not: as HTTP API does
		Cookies: cookies(r.Header), Headers: headers(r, body), QueryStringParameters: query(r.URL.RawQuery),
		PathParameters: parameters, RequestContext: requestContext(c),
	}
	if len(parameters) == 0 {
		event.PathParameters = nil
	}
	if event.IsBase64Encoded = len(body) > 0 && !isText(r.Header.Get("Content-Type"), body); event.IsBase64Encoded {
		event.Body = base64.StdEncoding.EncodeToString(body)
	} else {
		event.Body = string(body)
	}
	return event
}

func requestContext(c *call) events.APIGatewayV2HTTPRequestContext {
	r := c.request
	domain, _, _ := strings.Cut(r.Host, ":")
	prefix, _, _ := strings.Cut(domain, ".")
	context := events.APIGatewayV2HTTPRequestContext{
		RouteKey: c.route.Key(), AccountID: "000000000000", APIID: "local", Stage: "$default", RequestID: c.id,
		DomainName: domain, DomainPrefix: prefix,
		Time: c.at.UTC().Format("02/Jan/2006:15:04:05 -0700"), TimeEpoch: c.at.UnixMilli(),
		HTTP: events.APIGatewayV2HTTPRequestContextHTTPDescription{
			Method: r.Method, Path: r.URL.Path, Protocol: r.Proto, SourceIP: sourceIP(r), UserAgent: r.UserAgent(),
		},
	}
	if c.identity != nil {
		context.Authorizer = &events.APIGatewayV2HTTPRequestContextAuthorizerDescription{
			JWT: &events.APIGatewayV2HTTPRequestContextAuthorizerJWTDescription{Claims: c.identity.claims, Scopes: c.identity.scopes},
		}
	}
	return context
}

func sourceIP(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// headers are a request's by lower-case name, repeated ones joined by commas, and those that API Gateway adds.
func headers(r *http.Request, body []byte) map[string]string {
	out := map[string]string{}
	for name, values := range r.Header {
		if name != "Cookie" && name != "Connection" {
			out[strings.ToLower(name)] = strings.Join(values, ",")
		}
	}
	out["host"] = r.Host
	out["content-length"] = strconv.Itoa(len(body))
	out["x-forwarded-for"] = strings.TrimPrefix(out["x-forwarded-for"]+", "+sourceIP(r), ", ")
	out["x-forwarded-proto"] = "http"
	if _, port, err := net.SplitHostPort(r.Host); err == nil {
		out["x-forwarded-port"] = port
	}
	if out["x-amzn-trace-id"] == "" {
		out["x-amzn-trace-id"] = traceID()
	}
	return out
}

func traceID() string {
	random := make([]byte, 16)
	_, _ = rand.Read(random) // never fails: crypto/rand ends the process instead
	return fmt.Sprintf("Root=1-%s-%s", hex.EncodeToString(random[:4]), hex.EncodeToString(random[4:]))
}

func cookies(header http.Header) []string {
	var out []string
	for _, line := range header.Values("Cookie") {
		for cookie := range strings.SplitSeq(line, ";") {
			if cookie = strings.TrimSpace(cookie); cookie != "" {
				out = append(out, cookie)
			}
		}
	}
	return out
}

// query is the query's parameters, repeated ones joined by commas. What of it can't be decoded is left out here, and
// stands in the raw query.
func query(raw string) map[string]string {
	values, _ := url.ParseQuery(raw)
	if len(values) == 0 {
		return nil
	}
	out := map[string]string{}
	for name, all := range values {
		out[name] = strings.Join(all, ",")
	}
	return out
}

var textTypes = map[string]bool{"application/json": true, "application/xml": true, "application/javascript": true}

// isText tells the bodies that stand in an event as they are. Text that isn't UTF-8 is not text: JSON couldn't hold it
// unchanged, and the function shall see what was sent.
func isText(contentType string, body []byte) bool {
	kind, _, err := mime.ParseMediaType(contentType)
	return err == nil && (strings.HasPrefix(kind, "text/") || textTypes[kind]) && utf8.Valid(body)
}
