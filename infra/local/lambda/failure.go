package lambda

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Types of failures that Lambda reports for the function. Others are the function's own: the Go type of its error.
const (
	TimedOut         = "Sandbox.Timedout"
	ExitError        = "Runtime.ExitError"
	InvalidEntry     = "Runtime.InvalidEntrypoint"
	ResponseTooLarge = "Function.ResponseSizeTooLarge"
	unknownType      = "Runtime.Unknown"
)

// ErrClosed says that the function was closed before or during the invocation.
var ErrClosed = errors.New("the function is closed")

// errDiedIdle says that the process ended before it got the event.
var errDiedIdle = errors.New("the sandbox died idle")

// FunctionError says that the function failed: by an error that it returned, by a panic, by its end or by time-out.
type FunctionError struct {
	Function  string
	RequestID string // "" when it failed to start
	Type      string // such as Sandbox.Timedout or, of the function's own errors, errorString
	Message   string
}

func (e *FunctionError) Error() string {
	if e.RequestID == "" {
		return fmt.Sprintf("function %s: %s: %s", e.Function, e.Type, e.Message)
	}
	return fmt.Sprintf("function %s: %s: %s (request %s)", e.Function, e.Type, e.Message, e.RequestID)
}

// ThrottledError says that as many processes are at work as the function may have. A queue's poller tries again; a
// caller over HTTP is told to.
type ThrottledError struct{ Function string }

func (e *ThrottledError) Error() string { return fmt.Sprintf("function %s: Rate Exceeded", e.Function) }

// Throttled lets callers know a throttle without this package.
func (e *ThrottledError) Throttled() bool { return true }

// EventTooLargeError says that an event is larger than MaxEvent.
type EventTooLargeError struct {
	Function string
	Size     int
}

func (e *EventTooLargeError) Error() string {
	return fmt.Sprintf("function %s: %d bytes exceed the limit of %d bytes for an event", e.Function, e.Size, MaxEvent)
}

func timedOut(what string, after time.Duration) *FunctionError {
	return &FunctionError{Type: TimedOut, Message: fmt.Sprintf("%s timed out after %.2f seconds", what, after.Seconds())}
}

func exited(how string) *FunctionError {
	return &FunctionError{Type: ExitError, Message: "Runtime exited with error: " + how}
}

// reported reads an error as a runtime reports it. Its header is used where the body says nothing.
func reported(body []byte, header string) *FunctionError {
	var said struct {
		Type    string `json:"errorType"`
		Message string `json:"errorMessage"`
	}
	if err := json.Unmarshal(body, &said); err != nil {
		said.Message = string(body)
	}
	if said.Type == "" {
		said.Type = header
	}
	if said.Type == "" {
		said.Type = unknownType
	}
	return &FunctionError{Type: said.Type, Message: said.Message}
}
