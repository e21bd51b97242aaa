package gateway_test

import (
	"bufio"
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"billingcentre/infra/local/gateway"
	"billingcentre/infra/local/issuer"
	"billingcentre/infra/local/sam"
)

const audience = "billing-centre"

// function is an Invoker that keeps the event and answers what it is told to.
type function struct {
	answer string
	err    error
	wait   bool // until its time is over
	calls  atomic.Int32
	event  events.APIGatewayV2HTTPRequest
	raw    []byte
}

func (f *function) Invoke(ctx context.Context, event []byte) ([]byte, error) {
	f.calls.Add(1)
	if f.wait {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	f.raw, f.event = event, events.APIGatewayV2HTTPRequest{}
	if err := json.Unmarshal(event, &f.event); err != nil {
		return nil, err
	}
	return []byte(f.answer), f.err
}

// house is a gateway in front of one function, over real HTTP, with an issuer beside it.
type house struct {
	t        *testing.T
	url      string
	function *function
	issuer   *issuer.Issuer
	key      *rsa.PrivateKey
	keyID    string
}

var routes = []sam.Route{
	{Method: "GET", Path: "/v1/accounts", Scopes: []string{"operator"}},
	{Method: "GET", Path: "/v1/accounts/{account}/bills", Scopes: []string{"wallet.read"}},
	{Method: "POST", Path: "/v1/accounts/{account}/bills", Scopes: []string{"wallet.write"}},
	{Method: "GET", Path: "/v1/accounts/{account}/bills/{bill}", Scopes: []string{"wallet.read"}},
	{Method: "GET", Path: "/v1/accounts/{account}/bills/latest", Scopes: []string{"wallet.read"}},
	{Method: "POST", Path: "/v1/operator/accounts/{account}/cards", Scopes: []string{"operator", "partner"}},
	{Method: "POST", Path: "/v1/notices", Public: true},
}

func build(t *testing.T, change func(*gateway.Options)) *house {
	t.Helper()
	h := &house{t: t, function: &function{answer: `{"statusCode":200,"body":"ok"}`}}

	issuerServer := httptest.NewUnstartedServer(nil)
	keyFile := filepath.Join(t.TempDir(), "key.pem")
	opened, err := issuer.Open(issuer.Options{KeyFile: keyFile, URL: "http://" + issuerServer.Listener.Addr().String(), Audience: audience})
	if err != nil {
		t.Fatal(err)
	}
	h.issuer = opened
	issuerServer.Config.Handler = opened.Handler()
	issuerServer.Start()
	t.Cleanup(issuerServer.Close)
	h.readKey(keyFile)

	options := gateway.Options{
		API:       sam.API{Issuer: opened.URL(), Audience: []string{audience}},
		Functions: []sam.Function{{LogicalID: "Echo", HTTP: routes}},
		Invokers:  map[string]gateway.Invoker{"Echo": h.function},
	}
	if change != nil {
		change(&options)
	}
	g, err := gateway.New(options)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(g)
	t.Cleanup(server.Close)
	h.url = server.URL
	return h
}

func (h *house) readKey(path string) {
	h.t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		h.t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		h.t.Fatal(err)
	}
	h.key = parsed.(*rsa.PrivateKey)
	token, err := jwt.ParseSigned(h.token("operator"), []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		h.t.Fatal(err)
	}
	h.keyID = token.Headers[0].KeyID
}

// token is a good one.
func (h *house) token(role string) string {
	h.t.Helper()
	token, err := h.issuer.Token(issuer.Claims{Role: role, Account: "a-1", Partner: "p-1"}, time.Hour)
	if err != nil {
		h.t.Fatal(err)
	}
	return token
}

// claims are those of a good token, to be spoilt.
func (h *house) claims() map[string]any {
	now := time.Now().Unix()
	return map[string]any{
		"iss": h.issuer.URL(), "aud": audience, "sub": "mei", "scope": "wallet.read",
		"iat": now, "nbf": now, "exp": now + 600,
	}
}

// sign makes any token, good or bad.
func (h *house) sign(algorithm jose.SignatureAlgorithm, key any, keyID string, claims map[string]any) string {
	h.t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: key}, (&jose.SignerOptions{}).WithHeader("kid", keyID))
	if err != nil {
		h.t.Fatal(err)
	}
	token, err := jwt.Signed(signer).Claims(claims).Serialize()
	if err != nil {
		h.t.Fatal(err)
	}
	return token
}

// answered is what came back.
type answered struct {
	status int
	header http.Header
	body   string
}

func (h *house) send(method, path, body string, headers ...string) answered {
	h.t.Helper()
	request, err := http.NewRequest(method, h.url+path, strings.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Add(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		h.t.Fatal(err)
	}
	return h.read(response)
}

// sendRaw sends a request line as it is: Go's client would tidy it.
func (h *house) sendRaw(line, token string) answered {
	h.t.Helper()
	connection, err := net.DialTimeout("tcp", strings.TrimPrefix(h.url, "http://"), 5*time.Second)
	if err != nil {
		h.t.Fatal(err)
	}
	defer func() { _ = connection.Close() }()
	if err := connection.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		h.t.Fatal(err)
	}
	method, _, _ := strings.Cut(line, " ")
	if _, err := fmt.Fprintf(connection, "%s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nConnection: close\r\n\r\n", line, token); err != nil {
		h.t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(connection), &http.Request{Method: method})
	if err != nil {
		h.t.Fatal(err)
	}
	return h.read(response)
}

func (h *house) read(response *http.Response) answered {
	h.t.Helper()
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	return answered{response.StatusCode, response.Header, string(text)}
}

// must holds an answer against what it should be.
func (h *house) must(got answered, status int, body string) {
	h.t.Helper()
	if got.status != status || got.body != body {
		h.t.Errorf("answered %d %s (%s), want %d %s", got.status, got.body, got.header.Get("Www-Authenticate"), status, body)
	}
}
