package sqs_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	client "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

const (
	deadARN  = "arn:aws:sqs:eu-west-1:000000000000:dead"
	billsARN = "arn:aws:sqs:eu-west-1:000000000000:bills"
)

// withDeadLetters makes the queues dead and bills, the latter giving up after so
// many receives.
func (b bench) withDeadLetters(max int) (bills, dead *string) {
	dead = b.queue("dead")
	bills = b.queue("bills", "RedrivePolicy", fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":"%d"}`, deadARN, max))
	return bills, dead
}

// bury sends messages and fails them until they are dead. It returns their ids.
func (b bench) bury(bills *string, bodies ...string) (ids []string) {
	b.Helper()
	for _, body := range bodies {
		ids = append(ids, b.send(bills, body))
	}
	for range bodies {
		b.must(b.change(bills, b.oneOf(bills).ReceiptHandle, 0))
	}
	b.none(bills)
	return ids
}

// oneOf takes a single message of many.
func (b bench) oneOf(url *string) types.Message {
	b.Helper()
	out, err := b.client.ReceiveMessage(b.ctx, &client.ReceiveMessageInput{QueueUrl: url})
	b.must(err)
	return out.Messages[0]
}

func TestAMessageReceivedTooOftenIsDeadLettered(t *testing.T) {
	inBubble(t, func(b bench) {
		bills, dead := b.withDeadLetters(3)
		id := b.send(bills, "poison")
		b.send(bills, "good")
		for n := 1; n <= 3; n++ {
			messages := b.receive(bills, 0)
			if got := messages[0].Attributes["ApproximateReceiveCount"]; got != fmt.Sprint(n) {
				t.Fatalf("receive %d counts %s", n, got)
			}
			if n == 1 {
				b.must(b.delete(bills, messages[1].ReceiptHandle))
			}
			time.Sleep(30 * time.Second)
		}
		if got := b.counts(dead); got != "0 0 0" {
			t.Errorf("dead before the fourth receive: %s", got)
		}
		b.none(bills)
		m := b.one(dead, 0)
		want := map[string]string{
			"ApproximateReceiveCount": "4", "SentTimestamp": "946684800000",
			"ApproximateFirstReceiveTimestamp": "946684800000", "DeadLetterQueueSourceArn": billsARN,
		}
		for name, value := range want {
			if m.Attributes[name] != value {
				t.Errorf("%s is %s, want %s", name, m.Attributes[name], value)
			}
		}
		if *m.MessageId != id || *m.Body != "poison" {
			t.Errorf("dead letter %s %q, want %s", *m.MessageId, *m.Body, id)
		}
		b.must(b.delete(dead, m.ReceiptHandle))
		if bills, dead := b.counts(bills), b.counts(dead); bills != "0 0 0" || dead != "0 0 0" {
			t.Errorf("in the end: bills %s, dead %s", bills, dead)
		}
	})
}

func TestDeadLettersWakeALongPoll(t *testing.T) {
	inBubble(t, func(b bench) {
		bills, dead := b.withDeadLetters(1)
		b.send(bills, "poison")
		b.one(bills, 0)
		go func() {
			time.Sleep(5 * time.Second)
			b.noneFor(bills, 20) // until visible again at 30 s, which nobody delivers
			b.noneFor(bills, 20)
		}()
		b.noneFor(dead, 20)
		b.one(dead, 20)
		time.Sleep(time.Minute)
	})
}

func TestDeadLettersGoBackWhereTheyCameFrom(t *testing.T) {
	inBubble(t, func(b bench) {
		bills, dead := b.withDeadLetters(1)
		ids := b.bury(bills, "a", "b")
		time.Sleep(time.Hour)
		began := time.Now()
		_, err := b.client.StartMessageMoveTask(b.ctx, &client.StartMessageMoveTaskInput{SourceArn: aws.String(deadARN)})
		b.must(err)
		messages := b.receive(bills, 0)
		if len(messages) != 2 || messages[0].Attributes["ApproximateReceiveCount"] != "1" ||
			messages[0].Attributes["SentTimestamp"] != fmt.Sprint(began.UnixMilli()) || messages[0].Attributes["DeadLetterQueueSourceArn"] != "" {
			t.Errorf("redriven: %d messages, %v", len(messages), messages[0].Attributes)
		}
		if slices.Contains(ids, *messages[0].MessageId) {
			t.Error("a redriven message has its old id")
		}
		if got := b.counts(dead); got != "0 0 0" {
			t.Errorf("dead: %s", got)
		}
		tasks, err := b.client.ListMessageMoveTasks(b.ctx, &client.ListMessageMoveTasksInput{SourceArn: aws.String(deadARN)})
		b.must(err)
		task := tasks.Results[0]
		if *task.Status != "COMPLETED" || task.ApproximateNumberOfMessagesMoved != 2 || *task.ApproximateNumberOfMessagesToMove != 2 ||
			task.TaskHandle != nil || task.StartedTimestamp != began.UnixMilli() {
			t.Errorf("task %+v", task)
		}
	})
}

func TestAMoveGoesAtItsRateAndCanBeCancelled(t *testing.T) {
	inBubble(t, func(b bench) {
		bills, dead := b.withDeadLetters(1)
		b.bury(bills, "a", "b", "c", "d", "e")
		other := b.queue("other")
		start := func() (*client.StartMessageMoveTaskOutput, error) {
			return b.client.StartMessageMoveTask(b.ctx, &client.StartMessageMoveTaskInput{
				SourceArn: aws.String(deadARN), MaxNumberOfMessagesPerSecond: aws.Int32(2),
				DestinationArn: aws.String("arn:aws:sqs:eu-west-1:000000000000:other"),
			})
		}
		task, err := start()
		b.must(err)
		_, err = start()
		b.wantCode(err, "AWS.SimpleQueueService.UnsupportedOperation")
		time.Sleep(1500 * time.Millisecond)
		if dead, other := b.counts(dead), b.counts(other); dead != "1 0 0" || other != "4 0 0" {
			t.Errorf("after 1.5 s: dead %s, other %s", dead, other)
		}
		out, err := b.client.CancelMessageMoveTask(b.ctx, &client.CancelMessageMoveTaskInput{TaskHandle: task.TaskHandle})
		b.must(err)
		time.Sleep(time.Minute)
		if dead := b.counts(dead); out.ApproximateNumberOfMessagesMoved != 4 || dead != "1 0 0" {
			t.Errorf("cancelled after %d: dead %s", out.ApproximateNumberOfMessagesMoved, dead)
		}
		_, err = b.client.CancelMessageMoveTask(b.ctx, &client.CancelMessageMoveTaskInput{TaskHandle: task.TaskHandle})
		b.wantCode(err, "ResourceNotFoundException")
		_, err = start()
		b.must(err)
		time.Sleep(time.Second)
		tasks, err := b.client.ListMessageMoveTasks(b.ctx, &client.ListMessageMoveTasksInput{SourceArn: aws.String(deadARN), MaxResults: aws.Int32(10)})
		b.must(err)
		if len(tasks.Results) != 2 || *tasks.Results[0].Status != "COMPLETED" || *tasks.Results[1].Status != "CANCELLED" {
			t.Errorf("tasks %v", tasks.Results)
		}
	})
}

func TestMovesAreRefused(t *testing.T) {
	inBubble(t, func(b bench) {
		bills, _ := b.withDeadLetters(1)
		start := func(source, destination string) error {
			in := &client.StartMessageMoveTaskInput{SourceArn: &source}
			if destination != "" {
				in.DestinationArn = &destination
			}
			_, err := b.client.StartMessageMoveTask(b.ctx, in)
			return err
		}
		var unknown *types.ResourceNotFoundException
		if err := start(deadARN+"x", ""); !errors.As(err, &unknown) {
			t.Errorf("unknown source: %v", err)
		}
		if err := start(deadARN, deadARN+"x"); !errors.As(err, &unknown) {
			t.Errorf("unknown destination: %v", err)
		}
		b.wantCode(start(billsARN, ""), "InvalidParameterValue")
		b.wantCode(start(deadARN, deadARN), "InvalidParameterValue")
		sources, err := b.client.ListDeadLetterSourceQueues(b.ctx, &client.ListDeadLetterSourceQueuesInput{
			QueueUrl: aws.String("http://sqs.test/000000000000/dead"),
		})
		b.must(err)
		if len(sources.QueueUrls) != 1 || sources.QueueUrls[0] != *bills {
			t.Errorf("sources %v", sources.QueueUrls)
		}
	})
}
