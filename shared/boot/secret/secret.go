// Package secret is the cold start of functions that need secrets: they are in Secrets Manager, and never in a function's
// environment or log.
package secret

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/go-json-experiment/json"

	"billingcentre/shared/api"
	"billingcentre/shared/boot"
)

// Read reads the secret whose ARN a variable names, as JSON.
func Read(ctx context.Context, b *boot.Boot, variable string, into any) {
	text, err := Reader(b, variable)(ctx)
	if err != nil {
		b.Fail("a secret can't be read", "variable", variable, "error", err.Error())
	}
	if err := json.Unmarshal(text, into); err != nil {
		b.Fail("a secret isn't the JSON it should be", "variable", variable) // the error could quote the secret
	}
}

// Reader reads the secret whose ARN a variable names, as often as it is called: for what is renewed while a function lives.
func Reader(b *boot.Boot, variable string) func(context.Context) ([]byte, error) {
	client, id := client(b, 2*time.Second), b.Env(variable)
	return func(ctx context.Context) ([]byte, error) {
		secret, err := client.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: aws.String(id)})
		if err != nil {
			return nil, err
		}
		return []byte(aws.ToString(secret.SecretString)), nil
	}
}

// client gives an attempt up when it took so long: Secrets Manager answers within a tenth of a second, but never on a
// connection that a sandbox slept over. Attempts are bounded and not the whole, which time that was slept would use up, too.
// Four attempts of 2 s end within the 10 s of the shortest invocation, so that the log tells what couldn't be read.
func client(b *boot.Boot, attempt time.Duration) *secretsmanager.Client {
	impatient := *b.HTTP()
	impatient.Timeout = attempt
	return secretsmanager.New(secretsmanager.Options{
		Region: b.Env("AWS_REGION"), Credentials: b.Credentials(), HTTPClient: &impatient, BaseEndpoint: boot.Endpoint("SECRETS_MANAGER"),
		Retryer: retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts, o.MaxBackoff = 4, 200*time.Millisecond }),
	})
}

// OfCentre is the centre's own secret: keys for voucher codes and cursors are derived from it.
func OfCentre(ctx context.Context, b *boot.Boot) Pepper {
	var secret struct {
		Pepper string `json:"pepper"`
	}
	Read(ctx, b, "SECRET_ARN", &secret)
	if len(secret.Pepper) < 32 {
		b.Fail("the centre's pepper must have at least 32 characters", "variable", "SECRET_ARN")
	}
	return Pepper(secret.Pepper)
}

// Cursors signs the positions in lists.
func Cursors(ctx context.Context, b *boot.Boot) api.Cursors { return OfCentre(ctx, b).Cursors() }
