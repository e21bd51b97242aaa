package gateway_test

import (
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"billingcentre/infra/local/gateway"
	"billingcentre/infra/local/sam"
	"billingcentre/infra/local/sam/samtest"
)

const broken = `{"message":"Internal Server Error"}`

func TestRoutes(t *testing.T) {
	h := build(t, nil)
	token := h.token("operator")
	for _, c := range []struct {
		line       string
		status     int
		key        string
		parameters map[string]string
	}{
		{"GET /v1/accounts", 200, "GET /v1/accounts", nil},
		{"GET /v1/accounts/a-1/bills", 200, "GET /v1/accounts/{account}/bills", map[string]string{"account": "a-1"}},
		{"GET /v1/accounts/a-1/bills/focus:x:2026-11-01", 200, "GET /v1/accounts/{account}/bills/{bill}", map[string]string{"account": "a-1", "bill": "focus:x:2026-11-01"}},
		{"GET /v1/accounts/a-1/bills/focus%3Ax%3A2026%20%25", 200, "GET /v1/accounts/{account}/bills/{bill}", map[string]string{"account": "a-1", "bill": "focus:x:2026 %"}},
		{"GET /v1/accounts/a-1/bills/%E8%B4%A6", 200, "GET /v1/accounts/{account}/bills/{bill}", map[string]string{"account": "a-1", "bill": "账"}},
		{"GET /v1/accounts/a-1/bills/latest", 200, "GET /v1/accounts/{account}/bills/latest", map[string]string{"account": "a-1"}},
		{"GET /v1/accounts?a=/x/y", 200, "GET /v1/accounts", nil},
		{"GET /", 404, "", nil},
		{"GET /v1/accounts/", 404, "", nil},
		{"GET /v1/accounts//bills", 404, "", nil},
		{"GET /v1/accounts/a-1/bills/a/b", 404, "", nil},
		{"GET /v1/accounts/a-1/bills/a%2Fb", 404, "", nil}, // decoded before it is routed
		{"DELETE /v1/accounts", 404, "", nil},              // HTTP API knows no 405
		{"HEAD /v1/accounts", 404, "", nil},
		{"TRACE /v1/accounts", 404, "", nil},                 // H72
		{"GET //v1/accounts", 404, "", nil},                  // H72
		{"GET /v1/%2e%2e/v1/accounts", 404, "", nil},         // H72
		{"GET /v1/../v1/accounts", 404, "", nil},             // H72
		{"GET /v1/accounts/%2e%2e/%2e%2e/x", 404, "", nil},   // H72
		{"GET /V1/accounts", 404, "", nil},                   // paths are case-sensitive
		{"GET /%761/accounts", 404, "", nil},                 // what is plain must be written plainly
		{"OPTIONS /v1/accounts", 404, "", nil},               // no CORS here
		{"POST /v1/accounts/a-1/bills/latest", 404, "", nil}, // the method of another path
	} {
		t.Run(c.line, func(t *testing.T) {
			h := *h
			h.t = t
			h.function.event.RouteKey, h.function.event.PathParameters = "", nil
			got := h.sendRaw(c.line, token)
			if got.status != c.status || c.status == 404 && got.body != notFound && !strings.HasPrefix(c.line, "HEAD") {
				t.Errorf("answered %d %s", got.status, got.body)
			}
			if h.function.event.RouteKey != c.key {
				t.Errorf("route %q, want %q", h.function.event.RouteKey, c.key)
			}
			if diff := cmp.Diff(c.parameters, h.function.event.PathParameters); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Every route of the deployment is found, by its own function, and none stands in another's way.
func TestRoutesOfTheTemplate(t *testing.T) {
	functions := map[string]*function{}
	var deployed []sam.Function
	h := build(t, func(o *gateway.Options) {
		deployment := samtest.Deployment(t, map[string]string{"JwtIssuer": o.API.Issuer, "JwtAudience": audience})
		o.API, o.Functions = deployment.API, deployment.Functions
		deployed = deployment.Functions
		for _, f := range deployed {
			functions[f.LogicalID] = &function{answer: `{"statusCode":200,"body":"ok"}`}
			o.Invokers[f.LogicalID] = functions[f.LogicalID]
		}
	})
	tokens := []string{h.token("operator"), h.token("partner")}
	for _, f := range deployed {
		for _, route := range f.HTTP {
			path := strings.NewReplacer("{", "x%3A", "}", "").Replace(route.Path)
			h.must(h.send(route.Method, path, ""), map[bool]int{true: 200, false: 401}[route.Public], map[bool]string{true: "ok", false: unauthorized}[route.Public])
			h.must(h.send(route.Method, path, "", "Authorization", tokens[0]), 200, "ok")
			if got := functions[f.LogicalID].event.RouteKey; got != route.Key() {
				t.Errorf("%s went to %s", route.Key(), got)
			}
			if partners := slices.Contains(route.Scopes, "partner"); !route.Public && !partners {
				h.must(h.send(route.Method, path, "", "Authorization", tokens[1]), 403, forbidden)
			}
		}
	}
}

func TestEvent(t *testing.T) {
	now := time.Date(2026, 11, 1, 2, 3, 4, 5e6, time.UTC)
	h := build(t, func(o *gateway.Options) { o.Now = func() time.Time { return now } })
	got := h.send("POST", "/v1/notices?a=1&b=%20x&a=2", `{"k":"v"}`,
		"Content-Type", "application/json; charset=utf-8", "Cookie", "s=1; t=2", "Cookie", "u=3", "X-Many", "1", "X-Many", "2", "User-Agent", "probe")
	h.must(got, 200, "ok")
	e := h.function.event
	if e.Version != "2.0" || e.RouteKey != "POST /v1/notices" || e.RawPath != "/v1/notices" || e.RawQueryString != "a=1&b=%20x&a=2" {
		t.Errorf("%+v", e)
	}
	if diff := cmp.Diff(map[string]string{"a": "1,2", "b": " x"}, e.QueryStringParameters); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"s=1", "t=2", "u=3"}, e.Cookies); diff != "" {
		t.Error(diff)
	}
	for name, want := range map[string]string{
		"x-many": "1,2", "content-length": "9", "user-agent": "probe", "x-forwarded-for": "127.0.0.1", "cookie": "",
		"host": strings.TrimPrefix(h.url, "http://"), "content-type": "application/json; charset=utf-8",
	} {
		if e.Headers[name] != want {
			t.Errorf("header %s is %q, want %q", name, e.Headers[name], want)
		}
	}
	if !strings.HasPrefix(e.Headers["x-amzn-trace-id"], "Root=1-") {
		t.Errorf("trace %q", e.Headers["x-amzn-trace-id"])
	}
	c := e.RequestContext
	if c.HTTP.Method != "POST" || c.HTTP.Path != "/v1/notices" || c.HTTP.Protocol != "HTTP/1.1" || c.HTTP.SourceIP != "127.0.0.1" || c.HTTP.UserAgent != "probe" {
		t.Errorf("%+v", c.HTTP)
	}
	if c.Stage != "$default" || c.TimeEpoch != now.UnixMilli() || c.Time != "01/Nov/2026:02:03:04 +0000" || c.RequestID != got.header.Get("Apigw-Requestid") || c.RequestID == "" {
		t.Errorf("%+v", c)
	}
	if e.Body != `{"k":"v"}` || e.IsBase64Encoded {
		t.Errorf("body %q", e.Body)
	}
	if strings.Contains(string(h.function.raw), `"authorizer"`) {
		t.Error("an authorizer on a public route")
	}
}

func TestBodiesThatAreBase64(t *testing.T) {
	h := build(t, nil)
	for _, c := range []struct {
		contentType, body string
		encoded           bool
	}{
		{"application/json", "{}", false},
		{"application/xml", "<a/>", false},
		{"application/javascript", "1", false},
		{"text/plain", "账", false},
		{"application/x-www-form-urlencoded", "a=1&b=2", true}, // so Alipay's notices come
		{"application/octet-stream", "x", true},
		{"application/problem+json", "{}", true},
		{"", "x", true},
		{"nonsense;;", "x", true},
		{"application/json", "{\"a\":\"\xff\"}", true}, // H42: the function must see the byte
		{"application/x-www-form-urlencoded", "", false},
	} {
		h.send("POST", "/v1/notices", c.body, "Content-Type", c.contentType)
		want := c.body
		if c.encoded {
			want = base64.StdEncoding.EncodeToString([]byte(c.body))
		}
		if h.function.event.Body != want || h.function.event.IsBase64Encoded != c.encoded {
			t.Errorf("%q %q: %q, base64 %t", c.contentType, c.body, h.function.event.Body, h.function.event.IsBase64Encoded)
		}
	}
}

func TestLimits(t *testing.T) {
	h := build(t, nil)
	token := h.token("viewer")
	tooLarge := `{"message":"Request Entity Too Large"}`
	t.Run("H67 12 KB of headers", func(t *testing.T) {
		h.must(h.send("GET", "/v1/accounts/a-1/bills", "", "Authorization", "Bearer "+token, "X-Large", strings.Repeat("x", 12<<10)), 431, `{"message":"Request Header Fields Too Large"}`)
	})
	t.Run("a request line of 12 KB", func(t *testing.T) {
		h.must(h.send("GET", "/v1/accounts/"+strings.Repeat("x", 12<<10), ""), 431, `{"message":"Request Header Fields Too Large"}`)
	})
	t.Run("a body above 10 MB", func(t *testing.T) {
		h.must(h.send("POST", "/v1/notices", strings.Repeat("x", 10<<20+1), "Content-Type", "text/plain"), 413, tooLarge)
	})
	t.Run("an event above 6 MB", func(t *testing.T) {
		h.must(h.send("POST", "/v1/notices", strings.Repeat("x", 6<<20), "Content-Type", "text/plain"), 413, tooLarge)
	})
	t.Run("a body of 5 MB is 6.7 MB in base64", func(t *testing.T) {
		h.must(h.send("POST", "/v1/notices", strings.Repeat("x", 5<<20)), 413, tooLarge)
	})
	if calls := h.function.calls.Load(); calls != 0 {
		t.Errorf("the function was called %d times", calls)
	}
	t.Run("a body of 5 MB of text", func(t *testing.T) {
		h.must(h.send("POST", "/v1/notices", strings.Repeat("x", 5<<20), "Content-Type", "text/plain"), 200, "ok")
	})
}

type full struct{}

func (full) Error() string   { return "Rate Exceeded" }
func (full) Throttled() bool { return true }

func TestAnswers(t *testing.T) {
	h := build(t, nil)
	for _, c := range []struct {
		rule, answer string
		err          error
		status       int
		body         string
	}{
		{rule: "a whole answer", answer: `{"statusCode":201,"headers":{"content-type":"text/html"},"body":"<p>"}`, status: 201, body: "<p>"},
		{rule: "base64", answer: `{"statusCode":200,"body":"iVBO","isBase64Encoded":true}`, status: 200, body: "\x89PN"},
		{rule: "no body", answer: `{"statusCode":204}`, status: 204},
		{rule: "JSON without a status", answer: `{"a":1}`, status: 200, body: `{"a":1}`},
		{rule: "a text", answer: `"hello"`, status: 200, body: `"hello"`},
		{rule: "null", answer: `null`, status: 200, body: `null`},
		{rule: "no JSON", answer: `hello`, status: 500, body: broken},
		{rule: "nothing", answer: ``, status: 500, body: broken},
		{rule: "a status that is no number", answer: `{"statusCode":"ok"}`, status: 500, body: broken},
		{rule: "a status out of range", answer: `{"statusCode":99}`, status: 500, body: broken},
		{rule: "a body that is no text", answer: `{"statusCode":200,"body":{}}`, status: 500, body: broken},
		{rule: "a lie about base64", answer: `{"statusCode":200,"body":"%","isBase64Encoded":true}`, status: 500, body: broken},
		{rule: "the function failed", err: errors.New("panic: secret"), status: 500, body: broken},
		{rule: "the function has no room", err: full{}, status: 503, body: `{"message":"Service Unavailable"}`},
	} {
		t.Run(c.rule, func(t *testing.T) {
			h := *h
			h.t = t
			h.function.answer, h.function.err = c.answer, c.err
			h.must(h.send("POST", "/v1/notices", ""), c.status, c.body)
		})
	}
}

func TestHeadersOfAnswers(t *testing.T) {
	h := build(t, func(o *gateway.Options) { o.API.CORS = &sam.CORS{Origins: []string{"https://a.example"}} })
	h.function.answer = `{"statusCode":200,"headers":{"x-a":"1","retry-after":30,"content-length":"999","access-control-allow-origin":"*"},"cookies":["a=1","b=2"],"body":"x"}`
	got := h.send("POST", "/v1/notices", "")
	h.must(got, 200, "x")
	for name, want := range map[string]string{
		"X-A": "1", "Retry-After": "30", "Content-Length": "1", "Content-Type": "text/plain;charset=UTF-8", "Access-Control-Allow-Origin": "",
	} {
		if got.header.Get(name) != want {
			t.Errorf("%s is %q, want %q", name, got.header.Get(name), want)
		}
	}
	if diff := cmp.Diff([]string{"a=1", "b=2"}, got.header.Values("Set-Cookie")); diff != "" {
		t.Error(diff)
	}
}

func TestSlowFunctionIsGivenUp(t *testing.T) {
	h := build(t, func(o *gateway.Options) { o.Timeout = 20 * time.Millisecond })
	h.function.wait = true
	h.must(h.send("POST", "/v1/notices", ""), 503, `{"message":"Service Unavailable"}`)
}

func TestCORS(t *testing.T) {
	h := build(t, func(o *gateway.Options) {
		o.API.CORS = &sam.CORS{
			Origins: []string{"https://a.example"}, Methods: []string{"GET", "POST"}, Headers: []string{"authorization"},
			ExposeHeaders: []string{"retry-after"}, MaxAge: time.Minute,
		}
	})
	ask := func(origin string) answered {
		return h.send("OPTIONS", "/v1/accounts/a-1/bills", "", "Origin", origin, "Access-Control-Request-Method", "POST")
	}
	t.Run("a preflight of a known origin", func(t *testing.T) {
		got := ask("https://a.example")
		h.must(got, 204, "")
		for name, want := range map[string]string{
			"Access-Control-Allow-Origin": "https://a.example", "Access-Control-Allow-Methods": "GET,POST",
			"Access-Control-Allow-Headers": "authorization", "Access-Control-Max-Age": "60",
		} {
			if got.header.Get(name) != want {
				t.Errorf("%s is %q, want %q", name, got.header.Get(name), want)
			}
		}
	})
	t.Run("a preflight of another origin", func(t *testing.T) {
		got := ask("https://evil.example")
		if got.status != 204 || got.header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("answered %d %v", got.status, got.header)
		}
	})
	t.Run("refusals can be read by a page", func(t *testing.T) {
		got := h.send("GET", "/v1/accounts/a-1/bills", "", "Origin", "https://a.example")
		h.must(got, 401, unauthorized)
		if got.header.Get("Access-Control-Allow-Origin") != "https://a.example" || got.header.Get("Access-Control-Expose-Headers") != "retry-after" {
			t.Error(got.header)
		}
	})
	if calls := h.function.calls.Load(); calls != 0 {
		t.Errorf("the function was called %d times", calls)
	}
}

func TestThrottle(t *testing.T) {
	now := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	h := build(t, func(o *gateway.Options) {
		o.API.Rate, o.API.Burst = 1, 2
		o.Now = func() time.Time { return now }
	})
	ask := func() int { return h.send("POST", "/v1/notices", "").status }
	got := []int{ask(), ask(), ask()}
	now = now.Add(time.Second)
	got = append(got, ask(), ask())
	if diff := cmp.Diff([]int{200, 200, 429, 200, 429}, got); diff != "" {
		t.Error(diff)
	}
}

func TestRouteWithoutFunctionIsAnError(t *testing.T) {
	_, err := gateway.New(gateway.Options{Functions: []sam.Function{{LogicalID: "Lost", HTTP: routes}}})
	if err == nil || !strings.Contains(err.Error(), "Lost") {
		t.Error(err)
	}
}
