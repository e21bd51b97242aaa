// Package poller plays Lambda's event-source mappings: it reads a queue or a
// table's stream, hands batches to a function, and does with the answer what
// Lambda documents.
//
// A queue's mapping (QueueMapping) gathers a batch, and deletes what the function
// didn't fail. All else is left alone: a failed message comes back when its
// visibility ends, whatever that is by then, and the queue's redrive policy counts.
//
// A stream's mapping (StreamMapping) goes through each shard in order, a parent
// before its children, and never past a record that wasn't processed or given to
// the on-failure destination. Its position is kept in a file after each batch, so
// that a restart goes on from there: every record at least once. Filters keep records
// from the function before they are gathered; the position goes on past them.
//
// Both have one reader and invoke through the one-method Invoker, so that what
// runs the function is somebody else's concern. Both let an invocation that has
// begun end by itself when they are stopped.
package poller

import "context"

// Invoker runs a function once. An error stands for everything that Lambda calls
// a function error: the function failed, timed out or couldn't be run.
type Invoker interface {
	Invoke(ctx context.Context, event []byte) ([]byte, error)
}

// maxPayload is what an event of a synchronous invocation can have: 6 MB.
const maxPayload = 6 << 20

// envelope is what surrounds the records of an event.
const envelope = `{"Records":[]}`

// event joins encoded records.
func event(records [][]byte) []byte {
	size := len(envelope)
	for _, r := range records {
		size += len(r) + 1
	}
	joined := append(make([]byte, 0, size), `{"Records":[`...)
	for i, r := range records {
		if i > 0 {
			joined = append(joined, ',')
		}
		joined = append(joined, r...)
	}
	return append(joined, `]}`...)
}
