package gateway

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// answer is a function's, decoded.
type answer struct {
	status  int
	headers map[string]string
	cookies []string
	body    []byte
}

// readAnswer reads a function's answer in payload format 2.0. Any JSON without a statusCode is the body of a 200: a
// function may leave out the rest.
func readAnswer(text []byte) (answer, error) {
	if !json.Valid(text) {
		return answer{}, fmt.Errorf("the function's answer is no JSON")
	}
	var form struct {
		StatusCode      *int           `json:"statusCode"`
		Headers         map[string]any `json:"headers"`
		Cookies         []string       `json:"cookies"`
		Body            string         `json:"body"`
		IsBase64Encoded bool           `json:"isBase64Encoded"`
	}
	if !hasStatus(text) {
		return answer{status: http.StatusOK, headers: map[string]string{"Content-Type": "application/json"}, body: text}, nil
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&form); err != nil {
		return answer{}, fmt.Errorf("the function's answer isn't of payload format 2.0: %w", err)
	}
	if form.StatusCode == nil || *form.StatusCode < 200 || *form.StatusCode > 599 {
		return answer{}, fmt.Errorf("the function's answer has no valid statusCode")
	}
	out := answer{status: *form.StatusCode, cookies: form.Cookies, body: []byte(form.Body), headers: map[string]string{}}
	for name, value := range form.Headers {
		out.headers[name] = fmt.Sprint(value) // numbers and booleans are taken as well
	}
	if form.IsBase64Encoded {
		body, err := base64.StdEncoding.DecodeString(form.Body)
		if err != nil {
			return answer{}, fmt.Errorf("the function's answer isn't the base64 that it says: %w", err)
		}
		out.body = body
	}
	return out, nil
}

func hasStatus(text []byte) bool {
	var members map[string]json.RawMessage
	if json.Unmarshal(text, &members) != nil {
		return false
	}
	_, has := members["statusCode"]
	return has
}

// headers that are the connection's, not the function's to set.
var connectionHeaders = map[string]bool{
	"Connection": true, "Content-Length": true, "Transfer-Encoding": true, "Keep-Alive": true, "Upgrade": true, "Trailer": true,
}

// write passes the answer on. With CORS in the template, the function's own CORS headers are ignored.
func (a answer) write(w http.ResponseWriter, cors bool) int {
	header := w.Header()
	for name, value := range a.headers {
		name = http.CanonicalHeaderKey(name)
		if connectionHeaders[name] || cors && strings.HasPrefix(name, "Access-Control-") {
			continue
		}
		header.Set(name, value)
	}
	for _, cookie := range a.cookies {
		header.Add("Set-Cookie", cookie)
	}
	if header.Get("Content-Type") == "" && len(a.body) > 0 {
		header.Set("Content-Type", "text/plain;charset=UTF-8")
	}
	w.WriteHeader(a.status)
	if a.status != http.StatusNoContent && a.status != http.StatusNotModified {
		_, _ = w.Write(a.body) // the client's loss, if it went away
	}
	return a.status
}
