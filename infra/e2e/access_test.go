package e2e

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// README rule 1, and what the gateway makes of it: without a token 401, without the scope 403, and whatever is
// somebody else's, or isn't there at all, 404. An HTTP API has no 405: a path with another method is 404 as well.
func TestWhoMayDoWhat(t *testing.T) {
	running(t)
	t.Parallel()
	a, b := open(t, "access-a", "CNY"), open(t, "access-b", "CNY")
	a.cash("1.00")
	token := func(role, account string) string {
		text, err := running(t).Issuer.Token(claims(role, account), tokenLife)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	owner, viewer, other, operator := token("owner", a.id), token("viewer", a.id), token("owner", b.id), token("operator", "")
	order := `{"amount":"1.00","cards":[],"item":"x"}`
	for name, c := range map[string]struct {
		token, method, path, body string
		want                      int
	}{
		"an owner looks at the wallet":           {owner, "GET", a.path("/wallet"), "", 200},
		"a viewer looks at the wallet":           {viewer, "GET", a.path("/wallet"), "", 200},
		"an operator looks at any wallet":        {operator, "GET", a.path("/wallet"), "", 200},
		"no token":                               {"", "GET", a.path("/wallet"), "", 401},
		"no token, but a route that isn't there": {"", "GET", "/v1/nothing", "", 404},
		"a token that was changed":               {owner + "A", "GET", a.path("/wallet"), "", 401},
		"another owner":                          {other, "GET", a.path("/wallet"), "", 404},
		"another owner, and no such account":     {other, "GET", "/v1/accounts/nobody/wallet", "", 404},
		"another owner pays":                     {other, "POST", a.path("/prepaid-orders"), order, 404},
		"a viewer pays":                          {viewer, "POST", a.path("/prepaid-orders"), order, 403},
		"an owner at the operator's desk":        {owner, "POST", a.desk("/adjustments"), `{}`, 403},
		"an owner lists all accounts":            {owner, "GET", "/v1/accounts", "", 403},
		"another method":                         {owner, "DELETE", a.path("/wallet"), "", 404},
		"a body that is no JSON":                 {owner, "POST", a.path("/prepaid-orders"), `{`, 400},
		"an unknown member":                      {owner, "POST", a.path("/prepaid-orders"), `{"amount":"1.00","cards":[],"item":"x","y":1}`, 400},
	} {
		t.Run(name, func(t *testing.T) {
			request, err := http.NewRequestWithContext(t.Context(), c.method, a.centre.API(c.path), strings.NewReader(c.body))
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("Content-Type", "application/json")
			request.Header.Set("Idempotency-Key", "access")
			if c.token != "" {
				request.Header.Set("Authorization", "Bearer "+c.token)
			}
			response, err := http.DefaultClient.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = response.Body.Close() }()
			text, err := io.ReadAll(response.Body)
			if err != nil || response.StatusCode != c.want {
				t.Errorf("%d, want %d: %s %v", response.StatusCode, c.want, text, err)
			}
		})
	}
	if w := a.wallet(); w.Cash != "1.00" {
		t.Errorf("cash %s: somebody moved it", w.Cash)
	}
}
