package api

import (
	"bytes"
	"encoding/base64"
	"errors"
	"mime"
	"net/url"
	"strconv"
	"strings"

	"github.com/aws/aws-lambda-go/events"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"billingcentre/shared/refusal"
)

const (
	maxBody    = 256 << 10 // bytes of a request's body
	maxKey     = 128       // characters of an Idempotency-Key
	maxPage    = 100       // items of a page
	normalPage = 20
)

// Request is one HTTP request, as far as a handler may see it.
type Request struct {
	Caller Caller
	Body   []byte            // as it was sent: base64 of the event undone
	Header map[string]string // by lower-case name; repeated ones are joined by commas
	event  events.APIGatewayV2HTTPRequest
	query  url.Values
}

func newRequest(event events.APIGatewayV2HTTPRequest) (*Request, error) {
	r := &Request{Body: []byte(event.Body), Header: map[string]string{}, event: event, Caller: callerOf(event)}
	if event.IsBase64Encoded {
		body, err := base64.StdEncoding.DecodeString(event.Body)
		if err != nil {
			return nil, refusal.At("", "the body must be valid base64, as its flag says")
		}
		r.Body = body
	}
	for name, value := range event.Headers {
		r.Header[strings.ToLower(name)] = value
	}
	query, err := url.ParseQuery(event.RawQueryString)
	if err != nil {
		return nil, refusal.At("", "the query string must be valid")
	}
	r.query = query
	return r, nil
}

// Path is a parameter of the route's path, decoded.
func (r *Request) Path(name string) string { return r.event.PathParameters[name] }

// SourceIP is where the request came from.
func (r *Request) SourceIP() string { return r.event.RequestContext.HTTP.SourceIP }

// Query is a parameter of the query string; given twice, it is refused.
func (r *Request) Query(name string) (string, error) {
	values := r.query[name]
	if len(values) > 1 {
		return "", refusal.At("/"+name, "must be given once")
	}
	if len(values) == 0 {
		return "", nil
	}
	return values[0], nil
}

// OnlyQuery refuses parameters that a route doesn't know: a misspelt filter must not be ignored.
func (r *Request) OnlyQuery(known ...string) error {
	for name := range r.query {
		found := false
		for _, k := range known {
			found = found || k == name
		}
		if !found {
			return refusal.At(place(jsontext.Pointer("").AppendToken(name)), "is no parameter of this route")
		}
	}
	return nil
}

// Limit is the size of a page: the query's limit, 1 to 100, normally 20.
func (r *Request) Limit() (int, error) {
	text, err := r.Query("limit")
	if err != nil || text == "" {
		return normalPage, err
	}
	limit, err := strconv.Atoi(text)
	if err != nil || limit < 1 || limit > maxPage || strconv.Itoa(limit) != text {
		return 0, refusal.At("/limit", "must be a whole number from 1 to %d", maxPage)
	}
	return limit, nil
}

// IdempotencyKey is the client's name for this wish: 1 to 128 visible ASCII characters, kept for ever.
func (r *Request) IdempotencyKey() (string, error) {
	key := r.Header["idempotency-key"]
	if key == "" {
		return "", refusal.At("/headers/Idempotency-Key", "is required: your own name for this request, the same on every retry")
	}
	if len(key) > maxKey || strings.ContainsFunc(key, func(c rune) bool { return c <= ' ' || c > '~' || c == ',' }) {
		return "", refusal.At("/headers/Idempotency-Key", "must be 1 to %d visible ASCII characters without commas", maxKey)
	}
	return key, nil
}

// Decode reads the body as strict JSON: one document, in UTF-8, of the members that into knows, spelt as it spells
// them, none twice.
func (r *Request) Decode(into any) error {
	body, err := r.JSON()
	if err != nil {
		return err
	}
	return Strict(body, into)
}

// JSON is the body, for a decoder of its own; Decode is for all others. What isn't declared as JSON, or is too
// large, is refused.
func (r *Request) JSON() ([]byte, error) {
	media, params, err := mime.ParseMediaType(r.Header["content-type"])
	if err != nil || media != "application/json" || params["charset"] != "" && !strings.EqualFold(params["charset"], "utf-8") {
		return nil, refusal.Of(refusal.Unsupported, "The body must be application/json in UTF-8.")
	}
	if len(r.Body) > maxBody {
		return nil, refusal.Of(refusal.TooLarge, "The body must have at most %d bytes.", maxBody)
	}
	return r.Body, nil
}

// Strict decodes JSON as Decode does. The refusal names the place that is wrong.
func Strict(body []byte, into any) error {
	switch first := bytes.TrimLeft(body, " \t\r\n"); {
	case len(first) == 0:
		return refusal.At("", "a JSON object is required")
	case first[0] != '{':
		return refusal.At("", "must be a JSON object, without a byte order mark")
	}
	err := json.Unmarshal(body, into, json.RejectUnknownMembers(true))
	if err == nil {
		return nil
	}
	var syntax *jsontext.SyntacticError
	if errors.As(err, &syntax) {
		if errors.Is(err, jsontext.ErrDuplicateName) {
			return refusal.At(place(syntax.JSONPointer), "must be given once")
		}
		return refusal.At(place(syntax.JSONPointer), "must be one valid JSON document in UTF-8 (byte %d)", syntax.ByteOffset)
	}
	var semantic *json.SemanticError
	if errors.As(err, &semantic) {
		if errors.Is(err, json.ErrUnknownName) {
			return refusal.At(place(semantic.JSONPointer), "is not a known field")
		}
		if semantic.GoType != nil {
			return refusal.At(place(semantic.JSONPointer), "must be %s", jsonName(semantic.GoType.Kind().String()))
		}
		return refusal.At(place(semantic.JSONPointer), "is of the wrong type")
	}
	return refusal.At("", "must be valid JSON")
}

const maxPlace = 256 // bytes of a pointer that a refusal repeats: it goes into the log, too

// place is where a document is wrong. A caller may nest and name as it likes, so it is cut.
func place(pointer jsontext.Pointer) string {
	if len(pointer) <= maxPlace {
		return string(pointer)
	}
	return strings.ToValidUTF8(string(pointer[:maxPlace]), "") + "…"
}

// jsonName is what JSON calls a kind of Go values.
func jsonName(kind string) string {
	switch {
	case kind == "string":
		return "a string"
	case kind == "bool":
		return "true or false"
	case strings.HasPrefix(kind, "int"), strings.HasPrefix(kind, "uint"):
		return "a whole number"
	case kind == "slice":
		return "an array"
	}
	return "an object"
}
