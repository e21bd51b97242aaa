// Package boot makes, once per cold start, what a function needs: configuration from the environment, AWS clients,
// secrets, the ledger. It leaves out the SDK's config package on purpose: a sandbox has its credentials in its
// environment for life, and linking every other source of credentials would double the time of a cold start.
//
// A function that can't get what it needs must not start: every method ends the process with a line in the log that
// names the variable, and Lambda reports the failed start.
package boot

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/go-json-experiment/json"

	"billingcentre/shared/api"
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
		b.fail("the environment lacks a variable", "variable", name)
	}
	return value
}

func (b *Boot) fail(what string, attrs ...any) {
	b.Log.Error(what, attrs...)
	os.Exit(1)
}

// Ledger is the ledger over the table TABLE_NAME, with the policy of POLICY.
func (b *Boot) Ledger() *ledger.Ledger {
	return &ledger.Ledger{Store: b.Store(), Policy: b.policy(), Now: time.Now}
}

// Store is the store over the table TABLE_NAME.
func (b *Boot) Store() *dynamo.Store {
	table := b.Env("TABLE_NAME")
	return dynamo.New(dynamodb.New(dynamodb.Options{
		Region: b.Env("AWS_REGION"), Credentials: b.credentials(), HTTPClient: b.http, BaseEndpoint: endpoint("DYNAMODB"), Retryer: patience,
	}), table)
}

// patience bounds the SDK's own retries: the ledger's loop is above them, and knows more about what failed.
var patience = retry.NewStandard(func(o *retry.StandardOptions) { o.MaxBackoff = time.Second })

// policy is the README's, but for what POLICY says otherwise.
func (b *Boot) policy() wallet.Policy {
	policy := wallet.DefaultPolicy()
	if text := os.Getenv("POLICY"); text != "" {
		if err := json.Unmarshal([]byte(text), &policy, json.RejectUnknownMembers(true)); err != nil {
			b.fail("POLICY is not a policy", "error", err.Error())
		}
	}
	return policy
}

// Queue is a client of SQS.
func (b *Boot) Queue() *sqs.Client {
	return sqs.New(sqs.Options{Region: b.Env("AWS_REGION"), Credentials: b.credentials(), HTTPClient: b.http, BaseEndpoint: endpoint("SQS")})
}

// Secret reads the secret whose ARN a variable names, as JSON.
func (b *Boot) Secret(ctx context.Context, variable string, into any) {
	client := secretsmanager.New(secretsmanager.Options{
		Region: b.Env("AWS_REGION"), Credentials: b.credentials(), HTTPClient: b.http, BaseEndpoint: endpoint("SECRETS_MANAGER"),
	})
	secret, err := client.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: aws.String(b.Env(variable))})
	if err != nil {
		b.fail("a secret can't be read", "variable", variable, "error", err.Error())
	}
	if err := json.Unmarshal([]byte(aws.ToString(secret.SecretString)), into); err != nil {
		b.fail("a secret isn't the JSON it should be", "variable", variable) // the error could quote the secret
	}
}

// Pepper is the centre's own secret: keys for voucher codes and cursors are derived from it.
func (b *Boot) Pepper(ctx context.Context) Pepper {
	var secret struct {
		Pepper string `json:"pepper"`
	}
	b.Secret(ctx, "SECRET_ARN", &secret)
	if len(secret.Pepper) < 32 {
		b.fail("the centre's pepper must have at least 32 characters", "variable", "SECRET_ARN")
	}
	return Pepper(secret.Pepper)
}

// Cursors signs the positions in lists.
func (b *Boot) Cursors(ctx context.Context) api.Cursors {
	return api.Cursors{Key: b.Pepper(ctx).Key("cursors")}
}

func (b *Boot) credentials() aws.CredentialsProvider {
	return aws.NewCredentialsCache(credentials.NewStaticCredentialsProvider(
		b.Env("AWS_ACCESS_KEY_ID"), b.Env("AWS_SECRET_ACCESS_KEY"), os.Getenv("AWS_SESSION_TOKEN")))
}

// endpoint is another address of a service, for the local stack; nil is AWS's own.
func endpoint(service string) *string {
	if url := os.Getenv("AWS_ENDPOINT_URL_" + service); url != "" {
		return &url
	}
	return nil
}
