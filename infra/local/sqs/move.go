package sqs

import (
	"encoding/base64"
	"time"

	"billingcentre/infra/local/uuid"
)

const (
	// maxMoveRate is the highest MaxNumberOfMessagesPerSecond.
	maxMoveRate = 500
	// toldMoves is how many of a queue's tasks AWS lists.
	toldMoves = 10
)

// States of a move task.
const (
	moveRunning   = "RUNNING"
	moveCompleted = "COMPLETED"
	moveCancelled = "CANCELLED"
	moveFailed    = "FAILED"
)

// move is a message move task: dead letters on their way back. A redriven message
// is a new one: new id, new age, never received.
type move struct {
	source      string // name of the dead-letter queue
	destination string // ARN; "" = to where each message came from
	rate        int    // messages a second; 0 = all at once
	started     time.Time
	toMove      int
	moved       int
	status      string
	failure     string
}

func (m *move) handle() string {
	return base64.URLEncoding.EncodeToString([]byte(m.source + " " + m.started.Format(time.RFC3339Nano)))
}

// startMove begins a task; it runs on until the messages that were visible at its
// start are moved.
func (s *Server) startMove(sourceARN, destinationARN string, rate int) (*move, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	source := s.byARN(sourceARN)
	if source == nil {
		return nil, errNoResource("SourceArn")
	}
	if destinationARN != "" && s.byARN(destinationARN) == nil {
		return nil, errNoResource("DestinationArn")
	}
	if destinationARN == sourceARN {
		return nil, errParameter("Source queue arn and destination queue arn cannot be the same.")
	}
	if len(s.deadLetterSources(sourceARN)) == 0 {
		return nil, errParameter("Source queue must be configured as a Dead Letter Queue.")
	}
	tasks := s.moves[source.name]
	if len(tasks) > 0 && tasks[0].status == moveRunning {
		return nil, errUnsupported("There is already a task running. Only one active task is allowed for a source queue arn at a given time.")
	}
	task := &move{
		source: source.name, destination: destinationARN, rate: rate,
		started: s.now(), toMove: source.visible.Len(), status: moveRunning,
	}
	tasks = append([]*move{task}, tasks...)
	s.moves[source.name] = tasks[:min(len(tasks), toldMoves)]
	s.step(task)
	return task, nil
}

// step moves one second's share and arranges for the next. The lock is held.
func (s *Server) step(task *move) {
	if task.status != moveRunning {
		return
	}
	source, err := s.lookup(task.source)
	if err != nil {
		task.status, task.failure = moveFailed, "AWS.SimpleQueueService.NonExistentQueue"
		return
	}
	share := task.toMove - task.moved
	if task.rate > 0 {
		share = min(share, task.rate)
	}
	for range min(share, source.visible.Len()) {
		if !s.redriveOne(source, task) {
			return
		}
	}
	if task.moved >= task.toMove || source.visible.Len() == 0 {
		task.status = moveCompleted
		return
	}
	time.AfterFunc(time.Second, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.step(task)
	})
}

// redriveOne moves the first visible message, or fails the task.
func (s *Server) redriveOne(source *queue, task *move) bool {
	m := source.visible.Front().Value.(*message)
	arn := task.destination
	if arn == "" {
		arn = m.source
	}
	target := s.byARN(arn)
	if target == nil {
		task.status, task.failure = moveFailed, "CouldNotDetermineMessageSource"
		return false
	}
	source.drop(m)
	now := s.now()
	target.add(&message{
		id: uuid.New(), body: m.body, attributes: m.attributes, trace: m.trace, group: m.group, sent: now,
	}, now, now)
	task.moved++
	return true
}

// cancelMove stops a running task and says how many it has moved.
func (s *Server) cancelMove(handle string) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, tasks := range s.moves {
		for _, task := range tasks {
			if task.status == moveRunning && task.handle() == handle {
				task.status = moveCancelled
				return task.moved, nil
			}
		}
	}
	return 0, errNoResource("TaskHandle")
}

// listMoves tells of a dead-letter queue's tasks, newest first.
func (s *Server) listMoves(sourceARN string, limit int) ([]move, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	source := s.byARN(sourceARN)
	if source == nil {
		return nil, errNoResource("SourceArn")
	}
	var told []move
	for _, task := range s.moves[source.name] {
		if len(told) < limit {
			told = append(told, *task)
		}
	}
	return told, nil
}

// deadLetterSources names the queues whose dead letters go to that ARN. The lock
// is held.
func (s *Server) deadLetterSources(arn string) []string {
	var names []string
	for _, name := range s.names("") {
		if policy, ok := s.queues[name].attributes.redrivePolicy(); ok && policy.target == arn {
			names = append(names, name)
		}
	}
	return names
}
