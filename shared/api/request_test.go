package api_test

import (
	"encoding/base64"
	"strconv"
	"strings"
	"testing"

	"billingcentre/shared/api"
	"billingcentre/shared/api/apitest"
)

// decode takes a body as handlers do.
func decode(r *api.Request) (api.Response, error) {
	var body order
	if err := r.Decode(&body); err != nil {
		return api.Response{}, err
	}
	return api.OK(body.Amount)
}

func TestWhichBodiesAreRead(t *testing.T) {
	const good = `{"amount":"7"}`
	padded := func(size int) string { return good + strings.Repeat(" ", size-len(good)) }
	for _, row := range []struct {
		rule, media, body string
		status            int
	}{
		{"JSON", "application/json", good, 200},
		{"JSON that says UTF-8", "application/json; charset=utf-8", good, 200},
		{"in other letters", `Application/JSON;charset="UTF-8"`, good, 200},
		{"as large as is read", "application/json", padded(256 << 10), 200},
		{"a byte larger", "application/json", padded(256<<10 + 1), 413},
		{"H40 a string of 5 MB", "application/json", `{"amount":"` + strings.Repeat("7", 5<<20) + `"}`, 413},
		{"H39 100,000 keys", "application/json", "{" + strings.Repeat(`"k":1,`, 100_000) + `"amount":"7"}`, 413},
		{"no body", "application/json", "", 400},
		{"JSON in another charset", "application/json; charset=gbk", good, 415},
		{"no type", "", good, 415},
		{"H46 XML with an entity", "application/xml", `<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>`, 415},
		{"XML that says JSON", "application/json", `<a/>`, 400},
		{"a form", "application/x-www-form-urlencoded", "amount=7", 415},
		{"a form with files", "multipart/form-data; boundary=x", "--x--", 415},
		{"text", "text/plain", good, 415},
		{"something like JSON", "application/problem+json", good, 415},
		{"two types", "application/json, text/plain", good, 415},
		{"a type that isn't one", "application/json;;charset", good, 415},
	} {
		t.Run(row.rule, func(t *testing.T) {
			for _, encoded := range []bool{false, true} { // API Gateway sends what isn't text as base64
				event := apitest.Call{Route: route, Body: row.body, Header: map[string]string{"content-type": row.media}}.Event()
				if encoded {
					event.Body, event.IsBase64Encoded = base64.StdEncoding.EncodeToString([]byte(row.body)), true
				}
				if answer, _ := send(t, event, decode); answer.StatusCode != row.status {
					t.Errorf("base64 %t: %d %s, want %d", encoded, answer.StatusCode, answer.Body, row.status)
				}
			}
		})
	}
}

func TestABodyThatIsNotTheBase64ThatItSaysIsInvalid(t *testing.T) {
	event := apitest.Call{Route: route, Body: `{"amount":"7"}`}.Event()
	event.IsBase64Encoded = true
	if answer, _ := send(t, event, decode); answer.StatusCode != 400 {
		t.Errorf("answered %d %s", answer.StatusCode, answer.Body)
	}
}

func TestIdempotencyKeys(t *testing.T) {
	for _, row := range []struct {
		rule, key string
		ok        bool
	}{
		{"a word", "top-up-1", true},
		{"a UUID", "5f0c2a7e-5d1c-4d1e-97a4-4b0e8a8b7a2f", true},
		{"one character", "k", true},
		{"every mark", "!\"#$%&'()*+-./:;<=>?@[\\]^_`{|}~", true},
		{"128 characters", strings.Repeat("k", 128), true},
		{"H48 none", "", false},
		{"129 characters", strings.Repeat("k", 129), false},
		{"H49 256 characters", strings.Repeat("k", 256), false},
		{"a space", "a b", false},
		{"spaces only", "  ", false},
		{"two headers, joined by a comma", "a,b", false},
		{"a tab", "a\tb", false},
		{"a line break", "a\r\nx: y", false},
		{"a NUL", "a\x00", false},
		{"DEL", "a\x7f", false},
		{"not ASCII", "schlüssel", false},
		{"not UTF-8", "\xff", false},
	} {
		t.Run(row.rule, func(t *testing.T) {
			answer, _ := serve(t, apitest.Call{Key: row.key}, func(r *api.Request) (api.Response, error) {
				key, err := r.IdempotencyKey()
				return api.Response{Body: api.Raw{ContentType: "text/plain", Bytes: []byte(key)}}, err
			})
			if row.ok {
				if answer.StatusCode != 200 || answer.Body != row.key {
					t.Errorf("%d %s", answer.StatusCode, answer.Body)
				}
				return
			}
			if p := problem(t, answer); p.Status != 400 || len(p.Errors) != 1 || p.Errors[0].Pointer != "/headers/Idempotency-Key" {
				t.Errorf("%+v", p)
			}
		})
	}
}

func TestQueries(t *testing.T) {
	page := func(r *api.Request) (api.Response, error) {
		if err := r.OnlyQuery("limit", "cursor"); err != nil {
			return api.Response{}, err
		}
		position, limit, err := r.Place(api.Cursors{Key: []byte("k")}, "things")
		return api.Response{Body: api.Raw{ContentType: "text/plain", Bytes: []byte(position + strconv.Itoa(limit))}}, err
	}
	for _, row := range []struct {
		rule, query, body string
		pointer           string // of the field that is refused
	}{
		{rule: "nothing", body: "20"},
		{rule: "the least", query: "limit=1", body: "1"},
		{rule: "the most", query: "limit=100", body: "100"},
		{rule: "an empty limit is none", query: "limit=", body: "20"},
		{rule: "0", query: "limit=0", pointer: "/limit"},
		{rule: "101", query: "limit=101", pointer: "/limit"},
		{rule: "below zero", query: "limit=-1", pointer: "/limit"},
		{rule: "a plus", query: "limit=%2B5", pointer: "/limit"},
		{rule: "a leading zero", query: "limit=05", pointer: "/limit"},
		{rule: "a space", query: "limit=+5", pointer: "/limit"},
		{rule: "a fraction", query: "limit=1.5", pointer: "/limit"},
		{rule: "a word", query: "limit=all", pointer: "/limit"},
		{rule: "full width", query: "limit=%EF%BC%95", pointer: "/limit"},
		{rule: "more than an int64", query: "limit=9223372036854775808", pointer: "/limit"},
		{rule: "twice", query: "limit=5&limit=5", pointer: "/limit"},
		{rule: "a cursor twice", query: "cursor=a&cursor=a", pointer: "/cursor"},
		{rule: "H69 a cursor of one's own", query: "cursor=MTAw", pointer: "/cursor"},
		{rule: "misspelt", query: "limits=5", pointer: "/limits"},
		{rule: "a name with a slash", query: "a%2Fb=5", pointer: "/a~1b"},
		{rule: "a name that isn't UTF-8", query: "%ff=5", pointer: "/\ufffd"},
		{rule: "a semicolon", query: "limit=5;cursor=a", pointer: ""},
		{rule: "a bad escape", query: "limit=%zz", pointer: ""},
	} {
		t.Run(row.rule, func(t *testing.T) {
			answer, _ := serve(t, apitest.Call{Query: row.query}, page)
			if row.body != "" {
				if answer.StatusCode != 200 || answer.Body != row.body {
					t.Errorf("%d %s", answer.StatusCode, answer.Body)
				}
				return
			}
			if p := problem(t, answer); p.Status != 400 || len(p.Errors) != 1 || p.Errors[0].Pointer != row.pointer {
				t.Errorf("%+v", p)
			}
		})
	}
}

func TestHeadersAreFoundInAnyCase(t *testing.T) {
	event := apitest.Call{Route: route, Header: map[string]string{"X-Thing": "a", "Idempotency-KEY": "k"}}.Event()
	answer, _ := send(t, event, func(r *api.Request) (api.Response, error) {
		key, err := r.IdempotencyKey()
		return api.Response{Body: r.Header["x-thing"] + key + r.SourceIP() + r.Path("thing")}, err
	})
	if answer.Body != `"ak192.0.2.7"` {
		t.Errorf("answered %s", answer.Body)
	}
}
