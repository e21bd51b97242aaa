package bus

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"

	"billingcentre/infra/local/uuid"
)

const (
	contentType = "application/x-amz-json-1.1"
	// maxBody is far above what ten full entries take, escaped.
	maxBody = 4 << 20
)

// Error is a refusal of a whole request.
type Error struct{ Code, Message string }

func (e *Error) Error() string { return e.Code + ": " + e.Message }

var _ http.Handler = (*Server)(nil)

// ServeHTTP answers one request of the JSON protocol. Signatures aren't checked.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("X-Amzn-RequestId", uuid.New())
	answer, err := s.answer(r)
	var refused *Error
	if errors.As(err, &refused) {
		w.WriteHeader(http.StatusBadRequest)
		answer = map[string]string{"__type": refused.Code, "message": refused.Message}
	}
	if err := json.NewEncoder(w).Encode(answer); err != nil {
		s.log.Debug("events answer not delivered", "error", err)
	}
}

func (s *Server) answer(r *http.Request) (any, error) {
	if r.Method != http.MethodPost || r.Header.Get("X-Amz-Target") != "AWSEvents.PutEvents" {
		return nil, &Error{Code: "UnknownOperationException", Message: r.Header.Get("X-Amz-Target") + " is not simulated"}
	}
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, maxBody))
	if err != nil {
		return nil, &Error{Code: "RequestEntityTooLargeException", Message: err.Error()}
	}
	var in struct {
		Entries []Entry `json:"Entries"`
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, &Error{Code: "SerializationException", Message: err.Error()}
	}
	results, err := s.PutEvents(in.Entries)
	if err != nil {
		return nil, err
	}
	failed := 0
	for _, result := range results {
		if result.ErrorCode != "" {
			failed++
		}
	}
	return map[string]any{"FailedEntryCount": failed, "Entries": results}, nil
}
