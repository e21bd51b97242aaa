package sqs_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	client "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/go-cmp/cmp"
)

func TestCreateIsIdempotentForTheSameAttributes(t *testing.T) {
	inBubble(t, func(b bench) {
		url := b.queue("bills", "VisibilityTimeout", "60")
		if want := "http://sqs.test/000000000000/bills"; *url != want {
			t.Errorf("url %s, want %s", *url, want)
		}
		for _, same := range [][]string{{}, {"VisibilityTimeout", "60"}, {"DelaySeconds", "0"}} {
			if again := b.queue("bills", same...); *again != *url {
				t.Errorf("with %v: %s, want %s", same, *again, *url)
			}
		}
		_, err := b.client.CreateQueue(b.ctx, &client.CreateQueueInput{
			QueueName: aws.String("bills"), Attributes: map[string]string{"VisibilityTimeout": "61"},
		})
		var exists *types.QueueNameExists
		if !errors.As(err, &exists) {
			t.Errorf("got %v, want QueueNameExists", err)
		}
		b.wantCode(err, "QueueAlreadyExists")
	})
}

func TestQueueNamesAndAttributesAreRefused(t *testing.T) {
	for _, row := range []struct {
		name, attribute, value, code string
	}{
		{"", "", "", "InvalidParameterValue"},
		{"a b", "", "", "InvalidParameterValue"},
		{"bills.fifo", "", "", "InvalidParameterValue"},
		{strings.Repeat("x", 81), "", "", "InvalidParameterValue"},
		{"q", "Colour", "red", "InvalidAttributeName"},
		{"q", "QueueArn", "arn", "InvalidAttributeName"},
		{"q", "VisibilityTimeout", "43201", "InvalidAttributeValue"},
		{"q", "VisibilityTimeout", "ten", "InvalidAttributeValue"},
		{"q", "DelaySeconds", "901", "InvalidAttributeValue"},
		{"q", "MessageRetentionPeriod", "59", "InvalidAttributeValue"},
		{"q", "MaximumMessageSize", "1048577", "InvalidAttributeValue"},
		{"q", "ReceiveMessageWaitTimeSeconds", "21", "InvalidAttributeValue"},
		{"q", "FifoQueue", "true", "AWS.SimpleQueueService.UnsupportedOperation"},
		{"q", "RedrivePolicy", "{", "InvalidParameterValue"},
		{"q", "RedrivePolicy", `{"maxReceiveCount":3}`, "InvalidParameterValue"},
		{"q", "RedrivePolicy", `{"deadLetterTargetArn":"arn:aws:sqs:eu-west-1:000000000000:nowhere","maxReceiveCount":3}`, "InvalidParameterValue"},
		{"q", "RedrivePolicy", `{"deadLetterTargetArn":"arn:aws:sqs:eu-west-1:000000000000:dead","maxReceiveCount":0}`, "InvalidParameterValue"},
		{"q", "RedrivePolicy", `{"deadLetterTargetArn":"arn:aws:sqs:eu-west-1:000000000000:dead","maxReceiveCount":1001}`, "InvalidParameterValue"},
		{"q", "RedrivePolicy", `{"deadLetterTargetArn":"arn:aws:sqs:eu-west-1:000000000000:closed","maxReceiveCount":3}`, "InvalidParameterValue"},
		{"q", "RedriveAllowPolicy", `{"redrivePermission":"byQueue"}`, "InvalidParameterValue"},
	} {
		inBubble(t, func(b bench) {
			b.queue("dead")
			b.queue("closed", "RedriveAllowPolicy", `{"redrivePermission":"denyAll"}`)
			in := &client.CreateQueueInput{QueueName: &row.name}
			if row.attribute != "" {
				in.Attributes = map[string]string{row.attribute: row.value}
			}
			_, err := b.client.CreateQueue(b.ctx, in)
			b.wantCode(err, row.code)
		})
	}
}

func TestAttributesAreToldAndChanged(t *testing.T) {
	inBubble(t, func(b bench) {
		url := b.queue("bills", "KmsMasterKeyId", "alias/aws/sqs")
		_, err := b.client.SetQueueAttributes(b.ctx, &client.SetQueueAttributesInput{
			QueueUrl: url, Attributes: map[string]string{"VisibilityTimeout": "90"},
		})
		b.must(err)
		_, err = b.client.SetQueueAttributes(b.ctx, &client.SetQueueAttributesInput{
			QueueUrl: url, Attributes: map[string]string{"DelaySeconds": "5", "VisibilityTimeout": "-1"},
		})
		b.wantCode(err, "InvalidAttributeValue")
		got, err := b.client.GetQueueAttributes(b.ctx, &client.GetQueueAttributesInput{
			QueueUrl: url, AttributeNames: []types.QueueAttributeName{"All"},
		})
		b.must(err)
		created := "946684800" // the bubble's clock begins at 2000-01-01
		want := map[string]string{
			"QueueArn": "arn:aws:sqs:eu-west-1:000000000000:bills", "VisibilityTimeout": "90", "DelaySeconds": "0",
			"MaximumMessageSize": "1048576", "MessageRetentionPeriod": "345600", "ReceiveMessageWaitTimeSeconds": "0",
			"SqsManagedSseEnabled": "true", "KmsMasterKeyId": "alias/aws/sqs",
			"CreatedTimestamp": created, "LastModifiedTimestamp": created,
			"ApproximateNumberOfMessages": "0", "ApproximateNumberOfMessagesNotVisible": "0", "ApproximateNumberOfMessagesDelayed": "0",
		}
		if diff := cmp.Diff(want, got.Attributes); diff != "" {
			t.Error(diff)
		}
		_, err = b.client.GetQueueAttributes(b.ctx, &client.GetQueueAttributesInput{
			QueueUrl: url, AttributeNames: []types.QueueAttributeName{"Colour"},
		})
		b.wantCode(err, "InvalidAttributeName")
	})
}

func TestQueuesAreListedInPages(t *testing.T) {
	inBubble(t, func(b bench) {
		for _, name := range []string{"bills-c", "bills-a", "other", "bills-b"} {
			b.queue(name)
		}
		var names []string
		pages := client.NewListQueuesPaginator(b.client, &client.ListQueuesInput{
			QueueNamePrefix: aws.String("bills-"), MaxResults: aws.Int32(2),
		})
		count := 0
		for pages.HasMorePages() {
			page, err := pages.NextPage(b.ctx)
			b.must(err)
			count++
			for _, url := range page.QueueUrls {
				names = append(names, url[strings.LastIndex(url, "/")+1:])
			}
		}
		if diff := cmp.Diff([]string{"bills-a", "bills-b", "bills-c"}, names); diff != "" || count != 2 {
			t.Errorf("%d pages: %s", count, diff)
		}
	})
}

func TestAnUnknownQueueIsTyped(t *testing.T) {
	inBubble(t, func(b bench) {
		url := aws.String("http://sqs.test/000000000000/nowhere")
		for name, call := range map[string]func() error{
			"GetQueueUrl": func() error {
				_, err := b.client.GetQueueUrl(b.ctx, &client.GetQueueUrlInput{QueueName: aws.String("nowhere")})
				return err
			},
			"SendMessage": func() error {
				_, err := b.client.SendMessage(b.ctx, &client.SendMessageInput{QueueUrl: url, MessageBody: aws.String("x")})
				return err
			},
			"ReceiveMessage": func() error {
				_, err := b.client.ReceiveMessage(b.ctx, &client.ReceiveMessageInput{QueueUrl: url})
				return err
			},
			"DeleteMessage": func() error { return b.delete(url, aws.String("x")) },
			"PurgeQueue": func() error {
				_, err := b.client.PurgeQueue(b.ctx, &client.PurgeQueueInput{QueueUrl: url})
				return err
			},
		} {
			err := call()
			var unknown *types.QueueDoesNotExist
			if !errors.As(err, &unknown) {
				t.Errorf("%s: got %v, want QueueDoesNotExist", name, err)
			}
			b.wantCode(err, "AWS.SimpleQueueService.NonExistentQueue")
		}
		b.wantCode(b.delete(aws.String("nowhere"), aws.String("x")), "InvalidAddress")
	})
}

func TestPurgeAndDeleteAsOnceAMinute(t *testing.T) {
	inBubble(t, func(b bench) {
		url := b.queue("bills")
		b.send(url, "in flight")
		b.one(url, 0)
		b.send(url, "visible")
		purge := func() error {
			_, err := b.client.PurgeQueue(b.ctx, &client.PurgeQueueInput{QueueUrl: url})
			return err
		}
		b.must(purge())
		if got := b.counts(url); got != "0 0 0" {
			t.Errorf("after the purge: %s", got)
		}
		b.wantCode(purge(), "AWS.SimpleQueueService.PurgeQueueInProgress")
		time.Sleep(time.Minute)
		b.must(purge())

		_, err := b.client.DeleteQueue(b.ctx, &client.DeleteQueueInput{QueueUrl: url})
		b.must(err)
		create := func() error {
			_, err := b.client.CreateQueue(b.ctx, &client.CreateQueueInput{QueueName: aws.String("bills")})
			return err
		}
		b.wantCode(create(), "AWS.SimpleQueueService.QueueDeletedRecently")
		time.Sleep(time.Minute)
		b.must(create())
	})
}

func TestADeletedQueueEndsTheLongPoll(t *testing.T) {
	inBubble(t, func(b bench) {
		url := b.queue("bills")
		deleted := make(chan error, 1)
		go func() {
			time.Sleep(time.Second)
			_, err := b.client.DeleteQueue(b.ctx, &client.DeleteQueueInput{QueueUrl: url})
			deleted <- err
		}()
		_, err := b.client.ReceiveMessage(b.ctx, &client.ReceiveMessageInput{QueueUrl: url, WaitTimeSeconds: 20})
		b.wantCode(err, "AWS.SimpleQueueService.NonExistentQueue")
		b.must(<-deleted) // both answers are on their way at once: the server stays until each has come
	})
}

func TestTags(t *testing.T) {
	inBubble(t, func(b bench) {
		url := b.queue("bills")
		_, err := b.client.TagQueue(b.ctx, &client.TagQueueInput{QueueUrl: url, Tags: map[string]string{"a": "1", "b": "2"}})
		b.must(err)
		_, err = b.client.UntagQueue(b.ctx, &client.UntagQueueInput{QueueUrl: url, TagKeys: []string{"a"}})
		b.must(err)
		got, err := b.client.ListQueueTags(b.ctx, &client.ListQueueTagsInput{QueueUrl: url})
		b.must(err)
		if diff := cmp.Diff(map[string]string{"b": "2"}, got.Tags); diff != "" {
			t.Error(diff)
		}
	})
}
