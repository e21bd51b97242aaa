package e2e

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"billingcentre/infra/local/issuer"
)

const tokenLife = time.Hour

func claims(role, account string) issuer.Claims { return issuer.Claims{Role: role, Account: account} }

// The queues are the template's, for AWS's own clients.
func TestTheQueuesAreTheTemplates(t *testing.T) {
	s := running(t)
	t.Parallel()
	c := client(t)
	out, err := c.SQS().GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{
		QueueUrl: aws.String(c.Queue()), AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range s.Deployment.Queues {
		if q.URL != c.Queue() {
			continue
		}
		if got := out.Attributes["MessageRetentionPeriod"]; got != "1209600" || q.Retention != 14*24*time.Hour {
			t.Errorf("messages are kept for %s s, the template says %v", got, q.Retention)
		}
		if got := out.Attributes["RedrivePolicy"]; !strings.Contains(got, "billing-centre-usage-bills-dead") || q.MaxReceiveCount != 20 {
			t.Errorf("dead letters: %s, the template says after %d receives to %s", got, q.MaxReceiveCount, q.DeadLetterID)
		}
	}
	_, err = c.SQS().GetQueueUrl(t.Context(), &sqs.GetQueueUrlInput{QueueName: aws.String("no-such-queue")})
	if _, typed := errors.AsType[*types.QueueDoesNotExist](err); !typed {
		t.Errorf("a queue that isn't there: %v", err)
	}
}

// A bill sent by the command line is a bill.
func TestTheCommandLineOfAWS(t *testing.T) {
	s := running(t)
	t.Parallel()
	tool, err := exec.LookPath("aws")
	if err != nil {
		t.Skip("no aws in PATH")
	}
	a := open(t, "cli", "CNY")
	a.bind("cli-workspace")
	body := `{"version":1,"bill_id":"cli-1","workspace_id":"cli-workspace","day":"` + day + `","currency":"CNY",` +
		`"lines":[{"product":"logs","usage":"1","unit":"","amount":"0.5"}]}`
	cmd := exec.CommandContext(t.Context(), tool, "sqs", "send-message", "--endpoint-url", s.Running.AWS, "--region", "us-east-1",
		"--queue-url", s.Running.BillQueue, "--message-body", body)
	cmd.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID=local", "AWS_SECRET_ACCESS_KEY=local", "AWS_CONFIG_FILE="+os.DevNull)
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	a.settled("cli-1")
}
