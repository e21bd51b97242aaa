package stack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"billingcentre/infra/local/dynamodb"
	"billingcentre/infra/local/objects"
	"billingcentre/infra/local/sam"
	"billingcentre/infra/local/sqs"
)

// startStorageAndFunctions does side by side what takes long: the database's start, and the compiler.
func (s *Stack) startStorageAndFunctions(ctx context.Context) error {
	var binaries map[string]string
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		binaries, err = s.build(ctx)
		return err
	})
	group.Go(func() error { return s.startDatabase(ctx) })
	if err := group.Wait(); err != nil {
		return err
	}
	if err := s.startQueues(); err != nil {
		return err
	}
	if err := s.openBuckets(); err != nil {
		return err
	}
	return s.startFunctions(binaries)
}

func (s *Stack) startDatabase(ctx context.Context) error {
	step := s.console.Step("dynamodb")
	defer step.Failed() // unless it is done
	options := dynamodb.Options{
		Port: s.options.Ports.DynamoDB, Log: s.logs.file("dynamodb"), Notes: func(what string) { step.Progress("%s", what) },
	}
	where := "in memory"
	if !s.options.Memory {
		options.DataDir, where = s.data("dynamodb"), "in "+s.data("dynamodb")
	}
	database, err := dynamodb.Start(ctx, options)
	if err != nil {
		return err
	}
	s.database = database
	s.onClose("DynamoDB Local", database.Close)
	for _, t := range s.Deployment.Tables {
		err := dynamodb.CreateTable(ctx, database.Client(), table(t))
		if errors.Is(err, dynamodb.ErrOtherTable) {
			return fmt.Errorf("the data kept from an earlier run is of an older schema, `make clean-data` forgets it: %w", err)
		}
		if err != nil {
			return err
		}
		if s.stream, err = streamOf(ctx, database.Client(), t.Name); err != nil {
			return err
		}
	}
	step.Done("DynamoDB Local on %s, tables %s", database.Endpoint, where)
	return nil
}

func table(t sam.Table) dynamodb.Table {
	key := func(k sam.Key) dynamodb.Key {
		return dynamodb.Key{Name: k.Name, Type: types.ScalarAttributeType(k.Type)}
	}
	out := dynamodb.Table{
		Name: t.Name, Keys: dynamodb.Keys{Partition: key(t.Key.Hash), Sort: key(t.Key.Range)},
		Stream: types.StreamViewType(t.StreamView),
	}
	for _, i := range t.Indexes {
		out.Indexes = append(out.Indexes, dynamodb.Index{Name: i.Name, Keys: dynamodb.Keys{Partition: key(i.Hash), Sort: key(i.Range)}})
	}
	return out
}

func streamOf(ctx context.Context, client *sdk.Client, name string) (string, error) {
	found, err := client.DescribeTable(ctx, &sdk.DescribeTableInput{TableName: &name})
	if err != nil {
		return "", fmt.Errorf("describe table %s: %w", name, err)
	}
	return aws.ToString(found.Table.LatestStreamArn), nil
}

// startQueues makes the template's queues, with what was on them when the last run ended.
func (s *Stack) startQueues() error {
	s.queues = sqs.New(sqs.Options{Region: region, Logger: s.logs.stack})
	kept := s.data(queuesFile)
	if err := s.queues.Load(kept); err != nil {
		return err
	}
	s.onClose("the queues", func() error { return s.queues.Save(kept) })
	for _, q := range s.Deployment.Queues { // all of them first: redrive policies point from one to another
		if _, err := s.queues.Queue(q.Name); err == nil {
			continue
		}
		if _, err := s.queues.Create(q.Name, nil, nil); err != nil {
			return fmt.Errorf("create queue %s: %w", q.Name, err)
		}
	}
	for _, pass := range []func(sam.Queue) (map[string]string, error){allowances, s.settings} {
		for _, q := range s.Deployment.Queues {
			attributes, err := pass(q)
			if err != nil {
				return err
			}
			queue, err := s.queues.Queue(q.Name)
			if err != nil {
				return err
			}
			if err := queue.SetAttributes(attributes); err != nil {
				return fmt.Errorf("set up queue %s: %w", q.Name, err)
			}
		}
	}
	return nil
}

// allowances say whose dead letters a queue takes: before anybody is told to send some.
func allowances(q sam.Queue) (map[string]string, error) {
	if q.RedriveSources == nil {
		return map[string]string{"RedriveAllowPolicy": ""}, nil
	}
	policy, err := json.Marshal(map[string]any{"redrivePermission": "byQueue", "sourceQueueArns": q.RedriveSources})
	return map[string]string{"RedriveAllowPolicy": string(policy)}, err
}

func (s *Stack) settings(q sam.Queue) (map[string]string, error) {
	seconds := func(d time.Duration) string { return strconv.Itoa(int(d.Seconds())) }
	attributes := map[string]string{
		"VisibilityTimeout":             seconds(q.Visibility),
		"MessageRetentionPeriod":        seconds(q.Retention),
		"ReceiveMessageWaitTimeSeconds": seconds(q.ReceiveWait),
		"DelaySeconds":                  seconds(q.Delay),
		"MaximumMessageSize":            strconv.Itoa(q.MaxMessageBytes),
		"RedrivePolicy":                 "",
	}
	if q.DeadLetterID != "" {
		dead, err := s.Queue(q.DeadLetterID)
		if err != nil {
			return nil, err
		}
		policy, err := json.Marshal(map[string]any{"deadLetterTargetArn": dead.ARN(), "maxReceiveCount": q.MaxReceiveCount})
		if err != nil {
			return nil, err
		}
		attributes["RedrivePolicy"] = string(policy)
	}
	return attributes, nil
}

// openBuckets makes the template's buckets, with the files of earlier runs that haven't expired.
func (s *Stack) openBuckets() error {
	options := objects.Options{
		Dir: s.data("objects"), Region: region, Logger: s.logs.stack,
		Keys: []objects.Key{{ID: "local", Secret: "local", Token: "local"}}, // the functions' (functions.go)
	}
	for _, b := range s.Deployment.Buckets {
		options.Buckets = append(options.Buckets, objects.Bucket{Name: b.Name, ExpiryDays: b.ExpiryDays, AbortDays: b.AbortDays})
	}
	var err error
	s.objects, err = objects.New(options)
	return err
}
