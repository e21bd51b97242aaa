package stack

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"

	"billingcentre/infra/local/lambda"
	"billingcentre/infra/local/poller"
	"billingcentre/infra/local/sam"
	"billingcentre/infra/local/schedule"
	"billingcentre/infra/local/sqs"
)

const (
	keepEvery  = 3 * time.Second
	queuesFile = "queues.json"
)

// runner is a source of events: it runs until its context ends, and returns when its last invocation has.
type runner interface{ Run(ctx context.Context) }

// keeper writes the queues down every few seconds, so that a stack which is killed loses no more than those.
type keeper struct{ *Stack }

// Run implements runner.
func (k keeper) Run(ctx context.Context) {
	tick := time.NewTicker(keepEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := k.queues.Save(k.data(queuesFile)); err != nil {
				k.logs.stack.Error("the queues can't be kept", "error", err.Error())
			}
			if err := k.Bus.Save(k.data(busFile)); err != nil {
				k.logs.stack.Error("the bus can't be kept", "error", err.Error())
			}
		}
	}
}

// startSources begins to invoke functions from queues, streams and schedules, and lets Alipay send its notices.
func (s *Stack) startSources(context.Context) error {
	runners := []runner{s.Alipay, s.Mailbox, s.Bus, keeper{s}}
	for _, f := range s.Deployment.Functions {
		own, err := s.sources(f)
		if err != nil {
			return fmt.Errorf("%s: %w", f.LogicalID, err)
		}
		runners = append(runners, own...)
	}
	living, end := context.WithCancel(context.Background())
	var running sync.WaitGroup
	for _, r := range runners {
		running.Go(func() { r.Run(living) })
	}
	s.onClose("queues, streams and schedules", func() error {
		end()
		running.Wait()
		return nil
	})
	return nil
}

func (s *Stack) sources(f sam.Function) ([]runner, error) {
	function := s.functions[f.LogicalID]
	var runners []runner
	for _, source := range f.Queues {
		r, err := s.queueSource(source, function)
		if err != nil {
			return nil, err
		}
		runners = append(runners, r)
	}
	for _, source := range f.Streams {
		r, err := s.streamSource(source, function)
		if err != nil {
			return nil, err
		}
		runners = append(runners, r)
	}
	for _, source := range f.Schedules {
		expression, err := schedule.Parse(source.Expression, source.TimeZone)
		if err != nil {
			return nil, err
		}
		r, err := schedule.New(schedule.Options{
			Name: source.Event, Expression: expression, Input: source.Input, Function: function, Region: region, Logger: s.logs.stack,
			Now: s.Now, Glance: time.Second,
		})
		if err != nil {
			return nil, err
		}
		runners = append(runners, r)
	}
	return runners, nil
}

func (s *Stack) queueSource(source sam.QueueSource, function *lambda.Function) (runner, error) {
	queue, err := s.Queue(source.QueueLogicalID)
	if err != nil {
		return nil, err
	}
	return poller.NewQueueMapping(poller.QueueOptions{
		Queue: queue, Function: function, Region: region, BatchSize: source.BatchSize, Window: source.Window,
		Concurrency: source.MaximumConcurrency, ReportFailures: source.ReportFailures, Logger: s.logs.stack,
	})
}

func (s *Stack) streamSource(source sam.StreamSource, function *lambda.Function) (runner, error) {
	failed, err := s.Queue(source.FailureQueueLogicalID)
	if err != nil {
		return nil, err
	}
	streams := dynamodbstreams.New(dynamodbstreams.Options{
		Region: region, BaseEndpoint: &s.database.Endpoint,
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
	})
	return poller.NewStreamMapping(poller.StreamOptions{
		Streams: streams, StreamARN: s.stream, Function: function, FunctionARN: function.ARN(), Region: region,
		BatchSize: source.BatchSize, Window: source.Window, ReportFailures: source.ReportFailures, Bisect: source.BisectOnError,
		MaxRetries: &source.MaximumRetryAttempts, MaxRecordAge: source.MaximumRecordAge, Filters: source.Filters,
		Checkpoint: s.data("streams", function.Name()+"-"+source.Event+".json"), Logger: s.logs.stack,
		OnFailure: func(_ context.Context, body string) error {
			_, err := failed.Send(sqs.Draft{Body: body})
			return err
		},
	})
}
