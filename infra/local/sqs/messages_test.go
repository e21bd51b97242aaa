package sqs_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	client "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/go-cmp/cmp"
)

func TestAMessageArrivesWithEverythingThatIsKnownOfIt(t *testing.T) {
	inBubble(t, func(b bench) {
		url := b.queue("bills")
		out, err := b.client.SendMessage(b.ctx, &client.SendMessageInput{
			QueueUrl: url, MessageBody: aws.String("héllo \"世界\""),
			MessageAttributes: map[string]types.MessageAttributeValue{
				"kind":  {DataType: aws.String("String"), StringValue: aws.String("bill")},
				"count": {DataType: aws.String("Number.int"), StringValue: aws.String("3")},
				"raw":   {DataType: aws.String("Binary"), BinaryValue: []byte{0, 1, 254}},
			},
			MessageSystemAttributes: map[string]types.MessageSystemAttributeValue{
				"AWSTraceHeader": {DataType: aws.String("String"), StringValue: aws.String("Root=1-5")},
			},
			MessageGroupId: aws.String("account-7"),
		})
		b.must(err)
		time.Sleep(1500 * time.Millisecond)
		got := b.one(url, 0)
		if *got.MessageId != *out.MessageId || *got.Body != "héllo \"世界\"" || *got.MD5OfBody != *out.MD5OfMessageBody {
			t.Errorf("received %s %q", *got.MessageId, *got.Body)
		}
		// Computed apart from this package, after AWS's description of the digest.
		const digest = "d1f736296c3a5814cf4d0b9e879e6afb"
		if *got.MD5OfMessageAttributes != digest || *out.MD5OfMessageAttributes != digest {
			t.Errorf("digests %s and %s, want %s", *got.MD5OfMessageAttributes, *out.MD5OfMessageAttributes, digest)
		}
		want := map[string]string{
			"SenderId": "000000000000", "SentTimestamp": "946684800000", "ApproximateReceiveCount": "1",
			"ApproximateFirstReceiveTimestamp": "946684801500", "AWSTraceHeader": "Root=1-5", "MessageGroupId": "account-7",
		}
		if diff := cmp.Diff(want, got.Attributes); diff != "" {
			t.Error(diff)
		}
		if string(got.MessageAttributes["raw"].BinaryValue) != "\x00\x01\xfe" || *got.MessageAttributes["count"].DataType != "Number.int" {
			t.Errorf("attributes %v", got.MessageAttributes)
		}
	})
}

func TestOnlyTheAttributesAskedForAreTold(t *testing.T) {
	for _, row := range []struct {
		asked string
		want  []string
	}{
		{"", nil},
		{"All", []string{"bill.day", "bill.id", "other"}},
		{".*", []string{"bill.day", "bill.id", "other"}},
		{"bill.*", []string{"bill.day", "bill.id"}},
		{"other", []string{"other"}},
		{"Other", nil},
	} {
		inBubble(t, func(b bench) {
			url := b.queue("bills")
			text := types.MessageAttributeValue{DataType: aws.String("String"), StringValue: aws.String("x")}
			_, err := b.client.SendMessage(b.ctx, &client.SendMessageInput{
				QueueUrl: url, MessageBody: aws.String("x"),
				MessageAttributes: map[string]types.MessageAttributeValue{"bill.id": text, "bill.day": text, "other": text},
			})
			b.must(err)
			in := &client.ReceiveMessageInput{QueueUrl: url}
			if row.asked != "" {
				in.MessageAttributeNames = []string{row.asked}
			}
			out, err := b.client.ReceiveMessage(b.ctx, in)
			b.must(err)
			got := map[string]bool{}
			for name := range out.Messages[0].MessageAttributes {
				got[name] = true
			}
			want := map[string]bool{}
			for _, name := range row.want {
				want[name] = true
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%q: %s", row.asked, diff)
			}
			if (out.Messages[0].MD5OfMessageAttributes == nil) != (len(row.want) == 0) {
				t.Errorf("%q: digest %v", row.asked, out.Messages[0].MD5OfMessageAttributes)
			}
			if len(out.Messages[0].Attributes) > 0 {
				t.Errorf("system attributes without being asked for: %v", out.Messages[0].Attributes)
			}
		})
	}
}

func TestMessagesThatAreRefused(t *testing.T) {
	attribute := func(name, kind, value string) map[string]types.MessageAttributeValue {
		return map[string]types.MessageAttributeValue{name: {DataType: &kind, StringValue: &value}}
	}
	eleven := map[string]types.MessageAttributeValue{}
	for i := range 11 {
		eleven[fmt.Sprint("a", i)] = types.MessageAttributeValue{DataType: aws.String("String"), StringValue: aws.String("x")}
	}
	for name, row := range map[string]struct {
		in   client.SendMessageInput
		code string
	}{
		"empty":              {client.SendMessageInput{MessageBody: aws.String("")}, "MissingParameter"},
		"a control":          {client.SendMessageInput{MessageBody: aws.String("a\x01")}, "InvalidMessageContents"},
		"a noncharacter":     {client.SendMessageInput{MessageBody: aws.String("a\uFFFE")}, "InvalidMessageContents"},
		"1 MiB and a byte":   {client.SendMessageInput{MessageBody: aws.String(strings.Repeat("x", 1<<20+1))}, "InvalidParameterValue"},
		"1 MiB and a name":   {client.SendMessageInput{MessageBody: aws.String(strings.Repeat("x", 1<<20)), MessageAttributes: attribute("a", "String", "x")}, "InvalidParameterValue"},
		"too long a delay":   {client.SendMessageInput{MessageBody: aws.String("x"), DelaySeconds: 901}, "InvalidParameterValue"},
		"eleven attributes":  {client.SendMessageInput{MessageBody: aws.String("x"), MessageAttributes: eleven}, "InvalidParameterValue"},
		"a reserved name":    {client.SendMessageInput{MessageBody: aws.String("x"), MessageAttributes: attribute("aws.x", "String", "x")}, "InvalidParameterValue"},
		"dots in succession": {client.SendMessageInput{MessageBody: aws.String("x"), MessageAttributes: attribute("a..b", "String", "x")}, "InvalidParameterValue"},
		"an unknown type":    {client.SendMessageInput{MessageBody: aws.String("x"), MessageAttributes: attribute("a", "Text", "x")}, "InvalidParameterValue"},
		"no number":          {client.SendMessageInput{MessageBody: aws.String("x"), MessageAttributes: attribute("a", "Number", "x")}, "InvalidParameterValue"},
		"an empty value":     {client.SendMessageInput{MessageBody: aws.String("x"), MessageAttributes: attribute("a", "String", "")}, "InvalidParameterValue"},
		"FIFO's own":         {client.SendMessageInput{MessageBody: aws.String("x"), MessageDeduplicationId: aws.String("d")}, "InvalidParameterValue"},
	} {
		inBubble(t, func(b bench) {
			url := b.queue("bills")
			row.in.QueueUrl = url
			_, err := b.client.SendMessage(b.ctx, &row.in)
			t.Log(name)
			b.wantCode(err, row.code)
			if got := b.counts(url); got != "0 0 0" {
				t.Errorf("%s: counts %s", name, got)
			}
		})
	}
	inBubble(t, func(b bench) {
		b.send(b.queue("bills"), strings.Repeat("x", 1<<20))
	})
}

func TestDeletion(t *testing.T) {
	inBubble(t, func(b bench) {
		url := b.queue("bills")
		b.send(url, "x")
		first := b.one(url, 0)
		time.Sleep(30 * time.Second)
		second := b.one(url, 0)
		b.must(b.delete(url, first.ReceiptHandle)) // succeeds, and does nothing
		if got := b.counts(url); got != "0 1 0" {
			t.Errorf("after an old handle: %s", got)
		}
		time.Sleep(30 * time.Second) // visible again, but not received again: still ours
		b.must(b.delete(url, second.ReceiptHandle))
		b.must(b.delete(url, second.ReceiptHandle))
		if got := b.counts(url); got != "0 0 0" {
			t.Errorf("after the deletion: %s", got)
		}
		b.wantCode(b.change(url, second.ReceiptHandle, 10), "InvalidParameterValue")

		var invalid *types.ReceiptHandleIsInvalid
		for _, handle := range []string{"x", "bm90aGluZw==", *second.MessageId} {
			if err := b.delete(url, &handle); !errors.As(err, &invalid) {
				t.Errorf("%s: got %v, want ReceiptHandleIsInvalid", handle, err)
			}
			if err := b.change(url, &handle, 1); !errors.As(err, &invalid) {
				t.Errorf("%s: got %v, want ReceiptHandleIsInvalid", handle, err)
			}
		}
		if err := b.delete(b.queue("other"), second.ReceiptHandle); !errors.As(err, &invalid) {
			t.Errorf("another queue's: got %v, want ReceiptHandleIsInvalid", err)
		}
	})
}

func TestMessagesAreKeptForTheRetentionPeriod(t *testing.T) {
	inBubble(t, func(b bench) {
		url := b.queue("bills", "MessageRetentionPeriod", "60", "VisibilityTimeout", "10")
		b.send(url, "old")
		time.Sleep(20 * time.Second)
		b.send(url, "young")
		time.Sleep(39 * time.Second)
		if got := len(b.receive(url, 0)); got != 2 {
			t.Errorf("received %d, want 2", got)
		}
		time.Sleep(time.Second)
		if got := b.counts(url); got != "0 1 0" {
			t.Errorf("after a minute: %s", got)
		}
		time.Sleep(9 * time.Second)
		if got := b.one(url, 0); *got.Body != "young" {
			t.Errorf("received %q", *got.Body)
		}
		time.Sleep(11 * time.Second)
		if got := b.counts(url); got != "0 0 0" {
			t.Errorf("in the end: %s", got)
		}
	})
}
