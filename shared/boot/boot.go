// Package boot makes, once per cold start, what a function needs: configuration from the environment, AWS clients,
// secrets, the ledger. It leaves out the SDK's config package on purpose: a sandbox has its credentials in its
// environment for life, and linking every other source of credentials would double the time of a cold start.
//
// What only some functions need has a package of its own below this one, since linking a client costs every cold start:
// secret (Secrets Manager), queue (SQS), bus (EventBridge), objects (S3), till (payment channels).
//
// A function that can't get what it needs must not work: every method ends the process with a line in the log that names
// the variable, and Lambda reports the start or the event that failed.
//
// A function that fetches secrets asks for its first event while they are on their way (Meanwhile), and fetches two side
// by side (Beside). The wait isn't gone: the first event spends what is left of it, and has its own deadline for that. An
// event that runs out of time fails, and the next one goes on waiting. What can go wrong has one end each:
//
//   - A variable is missing, a secret can't be read: the line is written and the process ends, at the latest during the
//     first event, which fails with it. The next event starts a new process.
//   - Wiring panics: the process ends with the panic and its stack in the log, as for any panic of a Go program.
//   - The sandbox falls asleep before its first event, since Lambda started it before one came: the connection is dead when
//     it wakes up. Requests are bounded attempt by attempt, and signed anew for each, so the next attempt gets through.
//   - Somebody pays for sandboxes that are ready (provisioned concurrency): nothing is gained by asking early, and the first
//     event would pay for it. There Meanwhile waits, and it does wherever Lambda doesn't say "on-demand".
package boot

import (
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/go-json-experiment/json"

	"billingcentre/shared/ledger"
	"billingcentre/shared/ledger/dynamo"
	"billingcentre/shared/wallet"
)

// Boot is a function's cold start.
type Boot struct {
	Log  *slog.Logger
	http *http.Client
}

// Start begins a cold start.
func Start() *Boot {
	log := slog.New(slog.NewJSONHandler(os.Stdout, nil)).With("function", os.Getenv("AWS_LAMBDA_FUNCTION_NAME"))
	slog.SetDefault(log) // for packages that log what their callers can't know, such as throttles
	return &Boot{Log: log, http: client()}
}

// client keeps connections alive between invocations and gives up on a silent peer long before Lambda would.
func client() *http.Client {
	dialer := &net.Dialer{Timeout: 2 * time.Second, KeepAlive: 30 * time.Second}
	return &http.Client{
		Timeout: 8 * time.Second,
		Transport: &http.Transport{
			DialContext: dialer.DialContext, TLSHandshakeTimeout: 2 * time.Second, ResponseHeaderTimeout: 6 * time.Second,
			MaxIdleConns: 64, MaxIdleConnsPerHost: 64, IdleConnTimeout: 90 * time.Second, ForceAttemptHTTP2: false,
		},
	}
}

// Env is a variable that must be set.
func (b *Boot) Env(name string) string {
	value := os.Getenv(name)
	if value == "" {
		b.Fail("the environment lacks a variable", "variable", name)
	}
	return value
}

// Number is a variable that must be set, to a whole number above 0.
func (b *Boot) Number(name string) int {
	n, err := strconv.Atoi(b.Env(name))
	if err != nil || n < 1 {
		b.Fail("a variable must be a whole number above 0", "variable", name)
	}
	return n
}

// Fail ends the process with a line in the log.
func (b *Boot) Fail(what string, attrs ...any) {
	b.Log.Error(what, attrs...)
	os.Exit(1)
}

// Ledger is the ledger over the table TABLE_NAME, with the policy of POLICY.
func (b *Boot) Ledger() *ledger.Ledger {
	return &ledger.Ledger{Store: b.Store(), Policy: b.policy(), Now: Now}
}

// Store is the store over the table TABLE_NAME.
func (b *Boot) Store() *dynamo.Store {
	table := b.Env("TABLE_NAME")
	return dynamo.New(dynamodb.New(dynamodb.Options{
		Region: b.Env("AWS_REGION"), Credentials: b.Credentials(), HTTPClient: b.http, BaseEndpoint: Endpoint("DYNAMODB"), Retryer: patience,
	}), table)
}

// durations are written as "24h" or "30m".
var durations = json.WithUnmarshalers(json.UnmarshalFunc(func(text []byte, d *time.Duration) error {
	unquoted, err := strconv.Unquote(string(text))
	if err != nil {
		return err
	}
	*d, err = time.ParseDuration(unquoted)
	return err
}))

// patience bounds the SDK's own retries: the ledger's loop is above them, and knows more about what failed.
var patience = retry.NewStandard(func(o *retry.StandardOptions) { o.MaxBackoff = time.Second })

// policy is the README's, but for what POLICY says otherwise.
func (b *Boot) policy() wallet.Policy {
	policy := wallet.DefaultPolicy()
	if text := os.Getenv("POLICY"); text != "" {
		if err := json.Unmarshal([]byte(text), &policy, json.RejectUnknownMembers(true), durations); err != nil {
			b.Fail("POLICY is not a policy", "error", err.Error())
		}
	}
	if err := policy.Check(); err != nil {
		b.Fail("POLICY can't be followed", "error", err.Error())
	}
	return policy
}

// HTTP is the client that all of a function's clients share.
func (b *Boot) HTTP() *http.Client { return b.http }

// Credentials are the sandbox's own.
func (b *Boot) Credentials() aws.CredentialsProvider {
	return aws.NewCredentialsCache(credentials.NewStaticCredentialsProvider(
		b.Env("AWS_ACCESS_KEY_ID"), b.Env("AWS_SECRET_ACCESS_KEY"), os.Getenv("AWS_SESSION_TOKEN")))
}

// Endpoint is another address of a service, for the local stack; nil is AWS's own.
func Endpoint(service string) *string {
	if url := os.Getenv("AWS_ENDPOINT_URL_" + service); url != "" {
		return &url
	}
	return nil
}
