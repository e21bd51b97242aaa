package sqs_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	client "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/go-cmp/cmp"
)

// drafts are entries 0, 1, 2, ... with these bodies.
func drafts(bodies ...string) []types.SendMessageBatchRequestEntry {
	var entries []types.SendMessageBatchRequestEntry
	for i, body := range bodies {
		entries = append(entries, types.SendMessageBatchRequestEntry{Id: aws.String(fmt.Sprint(i)), MessageBody: &body})
	}
	return entries
}

func failures(failed []types.BatchResultErrorEntry) map[string]string {
	codes := map[string]string{}
	for _, f := range failed {
		codes[*f.Id] = *f.Code
	}
	return codes
}

func TestABatchSucceedsAndFailsEntryByEntry(t *testing.T) {
	inBubble(t, func(b bench) {
		url := b.queue("bills")
		sent, err := b.client.SendMessageBatch(b.ctx, &client.SendMessageBatchInput{
			QueueUrl: url, Entries: drafts("a", "b\x00", "c"),
		})
		b.must(err)
		if diff := cmp.Diff(map[string]string{"1": "InvalidMessageContents"}, failures(sent.Failed)); diff != "" || len(sent.Successful) != 2 {
			t.Errorf("%d sent, failed: %s", len(sent.Successful), diff)
		}
		messages := b.receive(url, 0)
		if len(messages) != 2 {
			t.Fatalf("received %d, want 2", len(messages))
		}

		changed, err := b.client.ChangeMessageVisibilityBatch(b.ctx, &client.ChangeMessageVisibilityBatchInput{
			QueueUrl: url, Entries: []types.ChangeMessageVisibilityBatchRequestEntry{
				{Id: aws.String("ok"), ReceiptHandle: messages[0].ReceiptHandle, VisibilityTimeout: 0},
				{Id: aws.String("long"), ReceiptHandle: messages[1].ReceiptHandle, VisibilityTimeout: 43201},
				{Id: aws.String("bad"), ReceiptHandle: aws.String("x")},
			},
		})
		b.must(err)
		want := map[string]string{"long": "InvalidParameterValue", "bad": "ReceiptHandleIsInvalid"}
		if diff := cmp.Diff(want, failures(changed.Failed)); diff != "" || len(changed.Successful) != 1 {
			t.Errorf("%d changed, failed: %s", len(changed.Successful), diff)
		}
		if got := b.counts(url); got != "1 1 0" {
			t.Errorf("counts %s", got)
		}

		deleted, err := b.client.DeleteMessageBatch(b.ctx, &client.DeleteMessageBatchInput{
			QueueUrl: url, Entries: []types.DeleteMessageBatchRequestEntry{
				{Id: aws.String("0"), ReceiptHandle: messages[0].ReceiptHandle},
				{Id: aws.String("1"), ReceiptHandle: messages[1].ReceiptHandle},
				{Id: aws.String("bad"), ReceiptHandle: aws.String("x")},
			},
		})
		b.must(err)
		if diff := cmp.Diff(map[string]string{"bad": "ReceiptHandleIsInvalid"}, failures(deleted.Failed)); diff != "" || len(deleted.Successful) != 2 {
			t.Errorf("%d deleted, failed: %s", len(deleted.Successful), diff)
		}
		if got := b.counts(url); got != "0 0 0" {
			t.Errorf("counts %s", got)
		}
	})
}

func TestABatchIsRefusedAsAWhole(t *testing.T) {
	twice := drafts("a", "b")
	twice[1].Id = twice[0].Id
	misnamed := drafts("a")
	misnamed[0].Id = aws.String("a b")
	half := strings.Repeat("x", 1<<19)
	as := func(target any) func(error) bool { return func(err error) bool { return errors.As(err, target) } }
	for name, row := range map[string]struct {
		entries []types.SendMessageBatchRequestEntry
		typed   func(error) bool
		code    string
	}{
		"empty":            {[]types.SendMessageBatchRequestEntry{}, as(new(*types.EmptyBatchRequest)), "EmptyBatchRequest"},
		"eleven":           {drafts(strings.Split("abcdefghijk", "")...), as(new(*types.TooManyEntriesInBatchRequest)), "TooManyEntriesInBatchRequest"},
		"an id twice":      {twice, as(new(*types.BatchEntryIdsNotDistinct)), "BatchEntryIdsNotDistinct"},
		"an id of two":     {misnamed, as(new(*types.InvalidBatchEntryId)), "InvalidBatchEntryId"},
		"1 MiB and a byte": {drafts(half, half, "x"), as(new(*types.BatchRequestTooLong)), "BatchRequestTooLong"},
	} {
		inBubble(t, func(b bench) {
			url := b.queue("bills")
			_, err := b.client.SendMessageBatch(b.ctx, &client.SendMessageBatchInput{QueueUrl: url, Entries: row.entries})
			t.Log(name)
			if !row.typed(err) {
				t.Errorf("%s: not typed: %v", name, err)
			}
			b.wantCode(err, "AWS.SimpleQueueService."+row.code)
			if got := b.counts(url); got != "0 0 0" {
				t.Errorf("%s: counts %s", name, got)
			}
		})
	}
	inBubble(t, func(b bench) {
		out, err := b.client.SendMessageBatch(b.ctx, &client.SendMessageBatchInput{QueueUrl: b.queue("bills"), Entries: drafts(half, half)})
		b.must(err)
		if len(out.Successful) != 2 {
			t.Errorf("1 MiB exactly: %d sent", len(out.Successful))
		}
	})
}
