package sqs

import (
	"fmt"
	"net/http"
)

// Error is a refusal as AWS phrases it. Clients of the SDK see it as the typed
// error of that code, where the service's model has one.
type Error struct {
	Code    string // as in the service's model, e.g. "QueueDoesNotExist"
	Message string
	query   string // the older query protocol's code, where it differs
	status  int    // HTTP; 0 = 400
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// queryCode is what AWS repeats in the header x-amzn-query-error: the CLI and
// older SDKs go by it.
func (e *Error) queryCode() string {
	if e.query != "" {
		return e.query
	}
	return e.Code
}

func (e *Error) httpStatus() int {
	if e.status != 0 {
		return e.status
	}
	return http.StatusBadRequest
}

// legacy is the prefix that most modelled codes bear in the query protocol.
const legacy = "AWS.SimpleQueueService."

func legacyError(code, message string) *Error {
	return &Error{Code: code, query: legacy + code, Message: message}
}

func errNoQueue() *Error {
	return &Error{
		Code: "QueueDoesNotExist", query: legacy + "NonExistentQueue",
		Message: "The specified queue does not exist.",
	}
}

func errQueueExists(attribute string) *Error {
	return &Error{
		Code: "QueueNameExists", query: "QueueAlreadyExists",
		Message: "A queue already exists with the same name and a different value for attribute " + attribute,
	}
}

func errDeletedRecently() *Error {
	return legacyError("QueueDeletedRecently",
		"You must wait 60 seconds after deleting a queue before you can create another with the same name.")
}

func errPurging(name string) *Error {
	e := legacyError("PurgeQueueInProgress", "Only one PurgeQueue operation on "+name+" is allowed every 60 seconds.")
	e.status = http.StatusForbidden
	return e
}

func errAddress(url string) *Error {
	return &Error{
		Code: "InvalidAddress", status: http.StatusNotFound,
		Message: fmt.Sprintf("The address %s is not valid for this endpoint.", url),
	}
}

func errReceipt(handle string) *Error {
	return &Error{
		Code: "ReceiptHandleIsInvalid", status: http.StatusNotFound,
		Message: fmt.Sprintf("The input receipt handle %q is not a valid receipt handle.", handle),
	}
}

func errNotInFlight() *Error {
	return legacyError("MessageNotInflight", "The specified message isn't in flight.")
}

func errOverLimit() *Error {
	return &Error{
		Code: "OverLimit", status: http.StatusForbidden,
		Message: fmt.Sprintf("The maximum number of in flight messages (%d) is reached.", maxInFlight),
	}
}

func errContents() *Error {
	return &Error{
		Code:    "InvalidMessageContents",
		Message: "Invalid binary character was found in the message body, the set of allowed characters is #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF",
	}
}

func errAttributeName(name string) *Error {
	return &Error{Code: "InvalidAttributeName", Message: "Unknown Attribute " + name + "."}
}

func errAttributeValue(name, why string) *Error {
	return &Error{Code: "InvalidAttributeValue", Message: fmt.Sprintf("Invalid value for the parameter %s. Reason: %s", name, why)}
}

func errValue(value any, parameter, why string) *Error {
	return errParameter(fmt.Sprintf("Value %v for parameter %s is invalid. Reason: %s", value, parameter, why))
}

func errParameter(message string) *Error {
	return &Error{Code: "InvalidParameterValue", Message: message}
}

func errMissing(parameter string) *Error {
	return &Error{Code: "MissingParameter", Message: "The request must contain the parameter " + parameter + "."}
}

func errUnsupported(message string) *Error {
	return legacyError("UnsupportedOperation", message)
}

func errNoResource(parameter string) *Error {
	return &Error{
		Code: "ResourceNotFoundException", status: http.StatusNotFound,
		Message: "The resource that you specified for the " + parameter + " parameter doesn't exist.",
	}
}
