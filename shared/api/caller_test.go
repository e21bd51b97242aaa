package api_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"billingcentre/shared/api"
	"billingcentre/shared/api/apitest"
	"billingcentre/shared/refusal"
	"billingcentre/shared/wallet"
)

// Who may do what, and what the others hear. Somebody else's account is as one that isn't there.
func TestCallersAndAccounts(t *testing.T) {
	const ok, unauthenticated, forbidden, notFound = refusal.Kind(""), refusal.Unauthenticated, refusal.Forbidden, refusal.NotFound
	owner := api.Caller{Subject: "pat", Role: api.Owner, Account: "acme"}
	viewer := api.Caller{Subject: "vi", Role: api.Viewer, Account: "acme"}
	operator := api.Caller{Subject: "op", Role: api.Operator}
	partner := api.Caller{Subject: "pa", Role: api.Partner, Partner: "reseller-1"}
	for _, row := range []struct {
		rule        string
		caller      api.Caller
		account     wallet.AccountID
		read, write refusal.Kind
	}{
		{"an owner, the own account", owner, "acme", ok, ok},
		{"an owner, another account", owner, "bolt", notFound, notFound},
		{"an owner, the own account in other letters", owner, "ACME", notFound, notFound},
		{"an owner, a part of the own account", owner, "acm", notFound, notFound},
		{"an owner without an account", api.Caller{Subject: "x", Role: api.Owner}, "acme", notFound, notFound},
		{"an owner without an account, none", api.Caller{Subject: "x", Role: api.Owner}, "", notFound, notFound},
		{"a viewer, the own account", viewer, "acme", ok, forbidden},
		{"a viewer, another account", viewer, "bolt", notFound, notFound},
		{"an operator, any account", operator, "acme", ok, ok},
		{"an operator, another", operator, "bolt", ok, ok},
		{"a partner", partner, "acme", forbidden, notFound},
		{"a partner who claims an account", api.Caller{Subject: "pa", Role: api.Partner, Account: "acme"}, "acme", forbidden, forbidden},
		{"a role of one's own", api.Caller{Subject: "x", Role: "root", Account: "acme"}, "acme", forbidden, forbidden},
		{"a role in other letters", api.Caller{Subject: "x", Role: "OPERATOR"}, "acme", forbidden, notFound},
		{"no role", api.Caller{Subject: "x", Account: "acme"}, "acme", unauthenticated, unauthenticated},
		{"no role, another account", api.Caller{Subject: "x", Account: "acme"}, "bolt", unauthenticated, unauthenticated},
		{"nobody", api.Caller{}, "acme", unauthenticated, unauthenticated},
		{"H55 an operator, no account", operator, "", notFound, notFound},
		{"H55 an operator, a path", operator, "../", notFound, notFound},
		{"H55 an operator, a key of the table", operator, "A#1#W", notFound, notFound},
		{"H55 an operator, 3 KB", operator, wallet.AccountID(strings.Repeat("a", 3<<10)), notFound, notFound},
	} {
		t.Run(row.rule, func(t *testing.T) {
			if got := kindOf(row.caller.MayRead(row.account)); got != row.read {
				t.Errorf("reading: %q, want %q", got, row.read)
			}
			if got := kindOf(row.caller.MayWrite(row.account)); got != row.write {
				t.Errorf("writing: %q, want %q", got, row.write)
			}
		})
	}
}

func TestRoles(t *testing.T) {
	for _, row := range []struct {
		rule string
		role api.Role
		of   []api.Role
		want refusal.Kind
	}{
		{"the one", api.Operator, []api.Role{api.Operator}, ""},
		{"one of two", api.Partner, []api.Role{api.Operator, api.Partner}, ""},
		{"H63 another", api.Owner, []api.Role{api.Operator, api.Partner}, refusal.Forbidden},
		{"none", "", []api.Role{api.Operator}, refusal.Unauthenticated},
		{"none of none", "", nil, refusal.Unauthenticated},
		{"one of none", api.Operator, nil, refusal.Forbidden},
	} {
		if got := kindOf((api.Caller{Role: row.role}).MustBe(row.of...)); got != row.want {
			t.Errorf("%s: %q, want %q", row.rule, got, row.want)
		}
	}
}

// A kind that isn't a refusal is told as "fault".
func kindOf(err error) refusal.Kind {
	switch r := refusal.As(err); {
	case err == nil:
		return ""
	case r != nil:
		return r.Kind
	}
	return "fault"
}

func TestTheCallerIsWhoTheTokenSays(t *testing.T) {
	claims := func(authorizer *events.APIGatewayV2HTTPRequestContextAuthorizerDescription) events.APIGatewayV2HTTPRequest {
		event := apitest.Call{Route: route, Header: map[string]string{"role": "operator", "x-account": "bolt"}}.Event()
		event.RequestContext.Authorizer = authorizer
		return event
	}
	jwt := func(claims map[string]string) *events.APIGatewayV2HTTPRequestContextAuthorizerDescription {
		return &events.APIGatewayV2HTTPRequestContextAuthorizerDescription{JWT: &events.APIGatewayV2HTTPRequestContextAuthorizerJWTDescription{Claims: claims}}
	}
	for rule, row := range map[string]struct {
		event events.APIGatewayV2HTTPRequest
		want  api.Caller
	}{
		"the claims": {
			claims(jwt(map[string]string{"sub": "pat", "role": "owner", "account": "acme", "partner": "p", "scope": "wallet.read"})),
			api.Caller{Subject: "pat", Role: api.Owner, Account: "acme", Partner: "p"},
		},
		"no claims":             {claims(jwt(nil)), api.Caller{}},
		"no token":              {claims(&events.APIGatewayV2HTTPRequestContextAuthorizerDescription{}), api.Caller{}},
		"no authorizer":         {claims(nil), api.Caller{}},
		"another authorizer's":  {claims(&events.APIGatewayV2HTTPRequestContextAuthorizerDescription{Lambda: map[string]any{"role": "operator"}}), api.Caller{}},
		"claims of other names": {claims(jwt(map[string]string{"Role": "operator", "accounts": "acme"})), api.Caller{}},
	} {
		t.Run(rule, func(t *testing.T) {
			var got api.Caller
			send(t, row.event, func(r *api.Request) (api.Response, error) {
				got = r.Caller
				return api.OK(nil)
			})
			if diff := cmp.Diff(row.want, got); diff != "" {
				t.Errorf("caller (-want +got):\n%s", diff)
			}
		})
	}
}
