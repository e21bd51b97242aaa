package sqs

type startMoveInput struct {
	SourceARN                    string `json:"SourceArn"`
	DestinationARN               string `json:"DestinationArn"`
	MaxNumberOfMessagesPerSecond *int
}

type taskRef struct {
	TaskHandle string
}

func (c call) startMessageMoveTask(in startMoveInput) (taskRef, error) {
	if in.SourceARN == "" {
		return taskRef{}, errMissing("SourceArn")
	}
	rate := 0
	if n := in.MaxNumberOfMessagesPerSecond; n != nil {
		if rate = *n; rate < 1 || rate > maxMoveRate {
			return taskRef{}, errValue(rate, "MaxNumberOfMessagesPerSecond", "Must be between 1 and 500, if provided.")
		}
	}
	task, err := c.startMove(in.SourceARN, in.DestinationARN, rate)
	if err != nil {
		return taskRef{}, err
	}
	return taskRef{task.handle()}, nil
}

type cancelMoveOutput struct {
	ApproximateNumberOfMessagesMoved int
}

func (c call) cancelMessageMoveTask(in taskRef) (cancelMoveOutput, error) {
	moved, err := c.cancelMove(in.TaskHandle)
	return cancelMoveOutput{moved}, err
}

type listMovesInput struct {
	SourceARN  string `json:"SourceArn"`
	MaxResults *int
}

type listMovesOutput struct {
	Results []moveResult
}

// moveResult has a handle only while the task can be cancelled.
type moveResult struct {
	TaskHandle                        string `json:",omitempty"`
	Status                            string
	SourceARN                         string `json:"SourceArn"`
	DestinationARN                    string `json:"DestinationArn,omitempty"`
	MaxNumberOfMessagesPerSecond      int    `json:",omitempty"`
	ApproximateNumberOfMessagesMoved  int
	ApproximateNumberOfMessagesToMove int
	FailureReason                     string `json:",omitempty"`
	StartedTimestamp                  int64
}

func (c call) listMessageMoveTasks(in listMovesInput) (listMovesOutput, error) {
	limit := 1
	if n := in.MaxResults; n != nil {
		if limit = *n; limit < 1 || limit > toldMoves {
			return listMovesOutput{}, errValue(limit, "MaxResults", "Must be between 1 and 10, if provided.")
		}
	}
	tasks, err := c.listMoves(in.SourceARN, limit)
	if err != nil {
		return listMovesOutput{}, err
	}
	out := listMovesOutput{Results: []moveResult{}}
	for _, task := range tasks {
		result := moveResult{
			Status: task.status, SourceARN: in.SourceARN, DestinationARN: task.destination,
			MaxNumberOfMessagesPerSecond:      task.rate,
			ApproximateNumberOfMessagesMoved:  task.moved,
			ApproximateNumberOfMessagesToMove: task.toMove,
			FailureReason:                     task.failure,
			StartedTimestamp:                  task.started.UnixMilli(),
		}
		if task.status == moveRunning {
			result.TaskHandle = task.handle()
		}
		out.Results = append(out.Results, result)
	}
	return out, nil
}
