package secrets_test

import (
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"billingcentre/infra/local/secrets"
)

// start serves a server and returns the real SDK client for it.
func start(t *testing.T) (*secrets.Server, *secretsmanager.Client) {
	t.Helper()
	server := secrets.New(secrets.Options{Region: "eu-west-1", Now: func() time.Time { return time.Unix(1762000000, 500_000_000) }})
	front := httptest.NewServer(server)
	t.Cleanup(front.Close)
	return server, secretsmanager.New(secretsmanager.Options{
		Region: "eu-west-1", BaseEndpoint: aws.String(front.URL), RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("id", "secret", ""),
	})
}

func put(t *testing.T, server *secrets.Server, name, value string) string {
	t.Helper()
	arn, err := server.Put(name, value)
	if err != nil {
		t.Fatal(err)
	}
	return arn
}

func TestASecretIsFoundByItsNameAndItsARN(t *testing.T) {
	server, client := start(t)
	value := `{"pepper":"<ü>","cursor_key":"x"}`
	arn := put(t, server, "centre/keys", value)
	put(t, server, "other", "y")
	if again := put(t, secrets.New(secrets.Options{Region: "eu-west-1"}), "centre/keys", "z"); again != arn {
		t.Errorf("after a restart the ARN is %s, was %s", again, arn)
	}
	for _, id := range []string{"centre/keys", arn, arn[:len(arn)-7]} {
		out, err := client.GetSecretValue(t.Context(), &secretsmanager.GetSecretValueInput{SecretId: &id})
		if err != nil {
			t.Fatal(err)
		}
		if *out.SecretString != value || *out.ARN != arn || *out.Name != "centre/keys" || !out.CreatedDate.Equal(time.Unix(1762000000, 500_000_000)) {
			t.Errorf("%s: %+v", id, out)
		}
		if diff := cmp.Diff([]string{"AWSCURRENT"}, out.VersionStages); diff != "" {
			t.Error(diff)
		}
	}
}

func TestAnUnknownSecretIsTyped(t *testing.T) {
	server, client := start(t)
	put(t, server, "known", "x")
	for name, in := range map[string]*secretsmanager.GetSecretValueInput{
		"a name":                {SecretId: aws.String("unknown")},
		"an ARN":                {SecretId: aws.String("arn:aws:secretsmanager:eu-west-1:000000000000:secret:unknown-abcdef")},
		"another region's":      {SecretId: aws.String("arn:aws:secretsmanager:us-east-1:000000000000:secret:known")},
		"a version":             {SecretId: aws.String("known"), VersionId: aws.String("00000000-0000-0000-0000-000000000000")},
		"a stage":               {SecretId: aws.String("known"), VersionStage: aws.String("AWSPENDING")},
		"the previous of first": {SecretId: aws.String("known"), VersionStage: aws.String("AWSPREVIOUS")},
	} {
		_, err := client.GetSecretValue(t.Context(), in)
		var unknown *types.ResourceNotFoundException
		if !errors.As(err, &unknown) {
			t.Errorf("%s: got %v, want ResourceNotFoundException", name, err)
		}
	}
}

func TestARotationKeepsThePreviousValue(t *testing.T) {
	server, client := start(t)
	for _, value := range []string{"first", "second", "third", "third"} {
		put(t, server, "keys", value)
	}
	get := func(in secretsmanager.GetSecretValueInput) *secretsmanager.GetSecretValueOutput {
		in.SecretId = aws.String("keys")
		out, err := client.GetSecretValue(t.Context(), &in)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	if got := get(secretsmanager.GetSecretValueInput{}); *got.SecretString != "third" {
		t.Errorf("current is %s", *got.SecretString)
	}
	second := get(secretsmanager.GetSecretValueInput{VersionStage: aws.String("AWSPREVIOUS")})
	if *second.SecretString != "second" {
		t.Errorf("previous is %s", *second.SecretString)
	}
	if got := get(secretsmanager.GetSecretValueInput{VersionId: second.VersionId}); *got.SecretString != "second" {
		t.Errorf("by its id: %s", *got.SecretString)
	}
}

func TestWhatIsRefused(t *testing.T) {
	server, client := start(t)
	for name, value := range map[string]string{"": "x", "a b": "x", "ok": "", "long": strings.Repeat("x", 65_537), strings.Repeat("n", 513): "x"} {
		if _, err := server.Put(name, value); err == nil {
			t.Errorf("put %q", name)
		}
	}
	_, err := client.DescribeSecret(t.Context(), &secretsmanager.DescribeSecretInput{SecretId: aws.String("keys")})
	var refused smithy.APIError
	if !errors.As(err, &refused) || refused.ErrorCode() != "UnknownOperationException" {
		t.Errorf("another operation: %v", err)
	}
}
