package poller_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
)

const streamARN = "arn:aws:dynamodb:eu-west-1:000000000000:table/BillingTable/stream/2026-11-01T00:00:00.000"

// fakeStreams is a stream in memory. An iterator is "shard:next index:generation".
type fakeStreams struct {
	mu         sync.Mutex
	shards     []*fakeShard
	generation int      // iterators of an earlier one are expired
	fail       error    // of every call, once
	asked      []string // iterators: "shard type sequence"
	reads      int
}

type fakeShard struct {
	id, parent string
	records    []types.Record
	trimmed    int // so many of the first are gone
	closed     bool
}

func (f *fakeStreams) locked(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

// shard adds a shard.
func (f *fakeStreams) shard(id, parent string) *fakeShard {
	s := &fakeShard{id: id, parent: parent}
	f.locked(func() { f.shards = append(f.shards, s) })
	return s
}

// put appends records whose keys are these; their sequence numbers are the shard's
// name and 1, 2, 3, ...
func (f *fakeStreams) put(s *fakeShard, keys ...string) {
	f.locked(func() {
		for _, key := range keys {
			s.records = append(s.records, types.Record{
				EventID: aws.String("e-" + key), EventName: types.OperationTypeInsert, EventVersion: aws.String("1.1"),
				Dynamodb: &types.StreamRecord{
					ApproximateCreationDateTime: aws.Time(time.Now()),
					Keys:                        map[string]types.AttributeValue{"pk": &types.AttributeValueMemberS{Value: key}},
					SequenceNumber:              aws.String(fmt.Sprint(s.id, "-", len(s.records)+1)),
					SizeBytes:                   aws.Int64(10), StreamViewType: types.StreamViewTypeKeysOnly,
				},
			})
		}
	})
}

func (f *fakeStreams) failure() error {
	err := f.fail
	f.fail = nil
	return err
}

func (f *fakeStreams) find(id string) *fakeShard {
	for _, s := range f.shards {
		if s.id == id {
			return s
		}
	}
	return nil
}

// DescribeStream gives two shards a page.
func (f *fakeStreams) DescribeStream(_ context.Context, in *dynamodbstreams.DescribeStreamInput, _ ...func(*dynamodbstreams.Options)) (*dynamodbstreams.DescribeStreamOutput, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.failure(); err != nil {
		return nil, err
	}
	out, seen := &types.StreamDescription{}, in.ExclusiveStartShardId == nil
	for _, s := range f.shards {
		if !seen {
			seen = s.id == *in.ExclusiveStartShardId
			continue
		}
		if len(out.Shards) == 2 {
			out.LastEvaluatedShardId = out.Shards[1].ShardId
			break
		}
		shard := types.Shard{ShardId: &s.id}
		if s.parent != "" {
			shard.ParentShardId = &s.parent
		}
		out.Shards = append(out.Shards, shard)
	}
	return &dynamodbstreams.DescribeStreamOutput{StreamDescription: out}, nil
}

func (f *fakeStreams) GetShardIterator(_ context.Context, in *dynamodbstreams.GetShardIteratorInput, _ ...func(*dynamodbstreams.Options)) (*dynamodbstreams.GetShardIteratorOutput, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked, strings.TrimSpace(fmt.Sprint(*in.ShardId, " ", in.ShardIteratorType, " ", aws.ToString(in.SequenceNumber))))
	if err := f.failure(); err != nil {
		return nil, err
	}
	s := f.find(*in.ShardId)
	if s == nil {
		return nil, &types.ResourceNotFoundException{}
	}
	next := s.trimmed
	if in.ShardIteratorType == types.ShardIteratorTypeAfterSequenceNumber {
		_, number, _ := strings.Cut(*in.SequenceNumber, "-")
		next, _ = strconv.Atoi(number)
		if next < s.trimmed {
			return nil, &types.TrimmedDataAccessException{}
		}
	}
	return &dynamodbstreams.GetShardIteratorOutput{ShardIterator: f.iterator(s, next)}, nil
}

func (f *fakeStreams) iterator(s *fakeShard, next int) *string {
	return aws.String(fmt.Sprintf("%s:%d:%d", s.id, next, f.generation))
}

func (f *fakeStreams) GetRecords(_ context.Context, in *dynamodbstreams.GetRecordsInput, _ ...func(*dynamodbstreams.Options)) (*dynamodbstreams.GetRecordsOutput, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.reads++
	if err := f.failure(); err != nil {
		return nil, err
	}
	part := strings.Split(*in.ShardIterator, ":")
	if part[2] != strconv.Itoa(f.generation) {
		return nil, &types.ExpiredIteratorException{}
	}
	if *in.Limit < 1 || *in.Limit > 1000 {
		return nil, errors.New("ValidationException: Limit")
	}
	s := f.find(part[0])
	next, _ := strconv.Atoi(part[1])
	end := min(next+int(*in.Limit), len(s.records))
	out := &dynamodbstreams.GetRecordsOutput{Records: s.records[next:end]}
	if !s.closed || end < len(s.records) {
		out.NextShardIterator = f.iterator(s, end)
	}
	return out, nil
}
