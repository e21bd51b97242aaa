package stack

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"

	"billingcentre/infra/local/lambda"
)

// invokePath is where Lambda takes invocations, followed by the function's name.
const invokePath = "/2015-03-31/functions/"

const mostEvent = 6 << 20 // bytes, as Lambda has it

// invoke is Lambda's own Invoke, so that somebody can start a schedule's function by hand, as with `aws lambda invoke`.
func (s *Stack) invoke(w http.ResponseWriter, r *http.Request) {
	name, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, invokePath), "/")
	function, missing := s.Function(name)
	switch {
	case r.Method != http.MethodPost || rest != "invocations" || r.Header.Get("Origin") != "": // no web page starts functions
		http.Error(w, `{"Type":"User","Message":"POST `+invokePath+`NAME/invocations"}`, http.StatusBadRequest)
		return
	case missing != nil:
		w.Header().Set("X-Amzn-Errortype", "ResourceNotFoundException")
		http.Error(w, `{"Type":"User","Message":"Function not found"}`, http.StatusNotFound)
		return
	}
	event, err := io.ReadAll(http.MaxBytesReader(w, r.Body, mostEvent))
	if err != nil {
		http.Error(w, `{"Type":"User","Message":"The event is too large"}`, http.StatusRequestEntityTooLarge)
		return
	}
	if len(event) == 0 {
		event = []byte("{}")
	}
	answer, err := function.Invoke(r.Context(), event)
	w.Header().Set("Content-Type", "application/json")
	if failed, ok := errors.AsType[*lambda.FunctionError](err); ok {
		w.Header().Set("X-Amz-Function-Error", "Unhandled")
		answer, err = json.Marshal(map[string]string{"errorType": failed.Type, "errorMessage": failed.Message})
	}
	if err != nil {
		http.Error(w, `{"Type":"Service","Message":"The function can't be started"}`, http.StatusInternalServerError)
		return
	}
	_, _ = w.Write(answer)
}
