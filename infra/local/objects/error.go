package objects

import (
	"encoding/xml"
	"errors"
	"net/http"
	"strconv"
)

// Error is a refusal in S3's words.
type Error struct {
	Status  int
	Code    string
	Message string
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

var (
	errUnknown    = &Error{http.StatusNotImplemented, "NotImplemented", "A header or parameter you provided implies functionality that is not implemented"}
	errNoKey      = &Error{http.StatusNotFound, "NoSuchKey", "The specified key does not exist."}
	errNoUpload   = &Error{http.StatusNotFound, "NoSuchUpload", "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed."}
	errDigest     = &Error{http.StatusBadRequest, "XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match what was computed."}
	errMD5        = &Error{http.StatusBadRequest, "BadDigest", "The Content-MD5 you specified did not match what we received."}
	errIncomplete = &Error{http.StatusBadRequest, "IncompleteBody", "You did not provide the number of bytes specified by the Content-Length HTTP header"}
	errXML        = &Error{http.StatusBadRequest, "MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema"}
)

func errInvalid(message string) *Error {
	return &Error{http.StatusBadRequest, "InvalidRequest", message}
}

func errDenied(message string) *Error {
	return &Error{http.StatusForbidden, "AccessDenied", message}
}

// refuse answers an error. What is none of S3's is a fault of ours.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, id string, err error) {
	no, told := errors.AsType[*Error](err)
	if !told {
		s.log.Error("objects", "method", r.Method, "path", r.URL.Path, "error", err.Error())
		no = &Error{http.StatusInternalServerError, "InternalError", "We encountered an internal error. Please try again."}
	}
	body, _ := xml.Marshal(struct { // a struct of texts always marshals
		XMLName                            xml.Name `xml:"Error"`
		Code, Message, Resource, RequestID string
	}{Code: no.Code, Message: no.Message, Resource: r.URL.Path, RequestID: id})
	w.Header().Set("Content-Type", "application/xml")
	w.Header().Set("Content-Length", strconv.Itoa(len(xml.Header)+len(body)))
	w.Header().Set("Connection", "close") // part of the body may be unread
	w.WriteHeader(no.Status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(append([]byte(xml.Header), body...)) // fails only when nobody reads it any more
	}
}

// answerXML answers a document.
func answerXML(w http.ResponseWriter, document any) error {
	body, err := xml.Marshal(document)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/xml")
	_, _ = w.Write(append([]byte(xml.Header), body...)) // fails only when nobody reads it any more
	return nil
}
