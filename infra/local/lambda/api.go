package lambda

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"

	"billingcentre/infra/local/uuid"
)

const (
	errorTypeHeader  = "Lambda-Runtime-Function-Error-Type" // of an error report, or the trailer of a response that broke off
	errorBodyTrailer = "Lambda-Runtime-Function-Error-Body" // base64 of JSON
	// drainMax bounds what is read of a response beyond the limit, to tell its size.
	drainMax = 64 << 20
)

// api is the Runtime API (version 2018-06-01), and of the Extensions API what a runtime needs that wants SIGTERM.
func (s *sandbox) api() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", s.next)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/response", s.response)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/error", s.error)
	mux.HandleFunc("POST /2018-06-01/runtime/init/error", s.initError)
	mux.HandleFunc("POST /2020-01-01/extension/register", register)
	mux.HandleFunc("GET /2020-01-01/extension/event/next", s.extensionEvent)
	return mux
}

// next gives the runtime its next event, when there is one.
func (s *sandbox) next(w http.ResponseWriter, r *http.Request) {
	if !s.ask() {
		refuse(w, http.StatusForbidden, "InvalidStateTransition", "the invocation under way has not been answered")
		return
	}
	select {
	case in := <-s.work:
		s.begin(in)
		s.hand(w, in)
	case <-s.ended:
	case <-r.Context().Done():
	}
}

func (s *sandbox) hand(w http.ResponseWriter, in *invocation) {
	config := &s.function.config
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Lambda-Runtime-Aws-Request-Id", in.id)
	h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(in.deadline.UnixMilli(), 10))
	h.Set("Lambda-Runtime-Invoked-Function-Arn", arn(config))
	h.Set("Lambda-Runtime-Trace-Id", in.trace)
	_, _ = w.Write(in.event) // a runtime that has gone is noticed by its end
}

// ask notes that the runtime wants work, which settles what it has answered. It may not while it owes an answer.
func (s *sandbox) ask() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch s.phase {
	case working:
		return false
	case starting:
		close(s.ready)
	case answered:
		close(s.current.settled)
		s.current = nil
	}
	s.phase = waiting
	return true
}

func (s *sandbox) begin(in *invocation) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.phase, s.current = working, in
}

// owing returns the invocation that the runtime owes an answer to, if it has that id.
func (s *sandbox) owing(id string) (*invocation, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.phase != working || s.current.id != id {
		return nil, false
	}
	return s.current, true
}

// answer notes the first answer to an invocation.
func (s *sandbox) answer(in *invocation, o outcome) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.phase != working || s.current != in {
		return false
	}
	s.phase = answered
	in.answered <- o
	return true
}

func (s *sandbox) response(w http.ResponseWriter, r *http.Request) {
	s.take(w, r, func(body []byte) outcome {
		if kind := r.Trailer.Get(errorTypeHeader); kind != "" {
			report, _ := base64.StdEncoding.DecodeString(r.Trailer.Get(errorBodyTrailer)) // empty when it isn't
			return outcome{err: reported(report, kind)}
		}
		return outcome{response: body}
	})
}

func (s *sandbox) error(w http.ResponseWriter, r *http.Request) {
	s.take(w, r, func(body []byte) outcome {
		return outcome{err: reported(body, r.Header.Get(errorTypeHeader))}
	})
}

// take reads an answer, makes an outcome of it, and tells the runtime whether it was taken.
func (s *sandbox) take(w http.ResponseWriter, r *http.Request, read func(body []byte) outcome) {
	in, ok := s.owing(r.PathValue("id"))
	if !ok {
		refuse(w, http.StatusBadRequest, "InvalidRequestID", "no answer is owed to that request id")
		return
	}
	body, err := readAll(r.Body)
	if tooLarge, ok := errors.AsType[*responseTooLargeError](err); ok {
		s.answer(in, outcome{err: &FunctionError{Type: ResponseTooLarge, Message: tooLarge.Error()}})
		refuse(w, http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", tooLarge.Error())
		return
	}
	if err != nil {
		return // it broke off: what becomes of the runtime tells
	}
	if !s.answer(in, read(body)) {
		refuse(w, http.StatusBadRequest, "InvalidRequestID", "the request was answered already")
		return
	}
	accept(w)
}

type responseTooLargeError struct{ size int64 }

func (e *responseTooLargeError) Error() string {
	return fmt.Sprintf("Response payload size (%d bytes) exceeded maximum allowed payload size (%d bytes).", e.size, MaxResponse)
}

func readAll(body io.Reader) ([]byte, error) {
	read, err := io.ReadAll(io.LimitReader(body, MaxResponse+1))
	if err != nil || len(read) <= MaxResponse {
		return read, err
	}
	rest, _ := io.Copy(io.Discard, io.LimitReader(body, drainMax))
	return nil, &responseTooLargeError{size: int64(len(read)) + rest}
}

// initError takes the report of a runtime that can't start.
func (s *sandbox) initError(w http.ResponseWriter, r *http.Request) {
	body, err := readAll(r.Body)
	if err != nil {
		return
	}
	s.mu.Lock()
	first := s.phase == starting && s.fault == nil
	if first {
		s.fault = reported(body, r.Header.Get(errorTypeHeader))
	}
	s.mu.Unlock()
	if !first {
		refuse(w, http.StatusForbidden, "InvalidStateTransition", "the runtime has started")
		return
	}
	accept(w)
	close(s.failed)
}

// register lets a runtime pose as an extension, which is how it asks for SIGTERM before SIGKILL. It gets that anyway.
func register(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Lambda-Extension-Identifier", uuid.New())
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, `{}`)
}

// extensionEvent never has one: only runtimes register, and for none.
func (s *sandbox) extensionEvent(_ http.ResponseWriter, r *http.Request) {
	select {
	case <-s.ended:
	case <-r.Context().Done():
	}
}

func accept(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusAccepted)
	_, _ = io.WriteString(w, `{"status":"OK"}`)
}

func refuse(w http.ResponseWriter, status int, kind, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"errorType": kind, "errorMessage": message})
}
