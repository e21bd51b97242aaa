package contract_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/getkin/kin-openapi/openapi3"

	"billingcentre/shared/api"
	"billingcentre/shared/api/apitest"
	"billingcentre/shared/api/contract"
)

const take = "POST /v1/accounts/{account}/recharges"

// recharge is an answer as openapi.yaml describes it.
const recharge = `{"recharge_id":"R1","account_id":"acme","channel":"alipay","currency":"CNY","amount":"100.00","state":"pending",` +
	`"created_at":"2026-11-02T01:30:00.000Z","expires_at":"2026-11-02T02:00:00.000Z"}`

// A check is only worth what it finds: each row breaks the contract in one place.
func TestWhatCheckFinds(t *testing.T) {
	call := apitest.Call{
		Route: take, Params: map[string]string{"account": "acme"}, Caller: api.Caller{Subject: "pat", Role: api.Owner, Account: "acme"},
		Key: "k", Body: `{"amount":"100.00"}`,
	}
	answer := func(status int, media, body string) events.APIGatewayV2HTTPResponse {
		return events.APIGatewayV2HTTPResponse{StatusCode: status, Headers: map[string]string{"Content-Type": media, "Cache-Control": "no-store"}, Body: body}
	}
	created := answer(201, "application/json", recharge)
	invalid := answer(400, "application/problem+json", `{"type":"urn:billing-centre:problem:invalid","title":"The request is invalid","status":400}`)
	with := func(edit func(*apitest.Call)) apitest.Call {
		edited := call
		edit(&edited)
		return edited
	}
	body := func(text string) apitest.Call { return with(func(c *apitest.Call) { c.Body = text }) }
	header := func(name, value string) events.APIGatewayV2HTTPResponse {
		edited := answer(201, "application/json", recharge)
		edited.Headers[name] = value
		return edited
	}
	for _, row := range []struct {
		rule   string
		call   apitest.Call
		answer events.APIGatewayV2HTTPResponse
		finds  string // "" for what is as described
	}{
		{"as described", call, created, ""},
		{"refused as described, whatever came", body(`<a/>`), invalid, ""},
		{"a member that isn't described", call, answer(201, "application/json", strings.Replace(recharge, "{", `{"minor":1,`, 1)), "minor"},
		{"a member that is missing", call, answer(201, "application/json", strings.Replace(recharge, `"channel":"alipay",`, "", 1)), "channel"},
		{"an amount as a number", call, answer(201, "application/json", strings.Replace(recharge, `"100.00"`, "100.00", 1)), "amount"},
		{"an amount with one decimal", call, answer(201, "application/json", strings.Replace(recharge, "100.00", "100.0", 1)), "regular expression"},
		{"an instant in another zone", call, answer(201, "application/json", strings.Replace(recharge, "000Z", "000+08:00", 1)), "regular expression"},
		{"a state of one's own", call, answer(201, "application/json", strings.Replace(recharge, "pending", "paid", 1)), "state"},
		{"a status that isn't described", call, answer(202, "application/json", recharge), "status is not supported"},
		{"a type that isn't described", call, answer(201, "text/html", recharge), "text/html"},
		{"a body that isn't JSON", call, answer(201, "application/json", "{"), "decode"},
		{"a header that isn't described", call, header("X-Amzn-Trace", "1"), "X-Amzn-Trace"},
		{"a replay that doesn't say so", call, answer(200, "application/json", recharge), "Idempotent-Replay"},
		{"a problem of no kind", call, answer(400, "application/problem+json", `{"type":"about:blank","title":"x","status":400}`), "type"},
		{"a wish without a key is taken", with(func(c *apitest.Call) { c.Key = "" }), created, "Idempotency-Key"},
		{"an unknown member is taken", body(`{"amount":"100.00","paid":true}`), created, "paid"},
		{"a signed amount is taken", body(`{"amount":"-1"}`), created, "amount"},
		{"an account that isn't one is taken", with(func(c *apitest.Call) { c.Params = map[string]string{"account": "a#b"} }), created, "account"},
		{"another type of body is taken", with(func(c *apitest.Call) { c.Header = map[string]string{"content-type": "text/plain"} }), created, "text/plain"},
		{"a route that isn't described", with(func(c *apitest.Call) { c.Route = "POST /v1/gifts" }), created, "route isn't described"},
		{"a method that isn't described", with(func(c *apitest.Call) { c.Route = strings.Replace(take, "POST", "PATCH", 1) }), created, "route isn't described"},
		{"an unknown route that is 404", with(func(c *apitest.Call) { c.Route = "POST /v1/gifts" }), answer(404, "application/problem+json", "{}"), ""},
	} {
		t.Run(row.rule, func(t *testing.T) {
			err := contract.Check(row.call.Event(), row.answer)
			if (err == nil) != (row.finds == "") || err != nil && !strings.Contains(err.Error(), row.finds) {
				t.Errorf("found %v, want %q", err, row.finds)
			}
		})
	}
}

func TestBytesAreCheckedAsTheyWereSent(t *testing.T) {
	event := apitest.Call{Route: "GET /v1/accounts/{account}/recharges/{recharge}/qr.png", Params: map[string]string{"account": "acme", "recharge": "R1"}}.Event()
	picture := events.APIGatewayV2HTTPResponse{
		StatusCode: 200, Headers: map[string]string{"Content-Type": "image/png"}, Body: base64.StdEncoding.EncodeToString([]byte("\x89PNG")), IsBase64Encoded: true,
	}
	if err := contract.Check(event, picture); err != nil {
		t.Error(err)
	}
	picture.Body = "not base64"
	if contract.Check(event, picture) == nil {
		t.Error("a body that isn't base64 is taken")
	}
}

// Somebody who has only the document must be able to use the API.
func TestTheDocumentExplainsItself(t *testing.T) {
	document, err := openapi3.NewLoader().LoadFromData(api.OpenAPI) // not contract.Document, which is closed
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for path, item := range document.Paths.Map() {
		for method, operation := range item.Operations() {
			at := method + " " + path
			if operation.OperationID == "" || seen[operation.OperationID] {
				t.Errorf("%s: the id %q is missing, or used twice", at, operation.OperationID)
			}
			seen[operation.OperationID] = true
			if operation.Summary == "" || operation.Description == "" || len(operation.Tags) != 1 || operation.Security == nil {
				t.Errorf("%s: summary, description, tag or security is missing", at)
			}
			for _, status := range []int{400, 429, 500, 503} {
				if operation.Responses.Status(status) == nil {
					t.Errorf("%s: says nothing of %d, which every route can answer", at, status)
				}
			}
			if operation.RequestBody == nil {
				continue
			}
			if media := operation.RequestBody.Value.Content.Get("application/json"); media != nil {
				if extra := media.Schema.Value.AdditionalProperties.Has; extra == nil || *extra {
					t.Errorf("%s: the body is open to unknown members", at)
				}
			}
		}
	}
}
