// Package bus is Amazon EventBridge for one machine: event buses behind PutEvents of AWS's protocol, so that the SDK's
// client works against it unchanged, and rules that send what matches to queues and functions.
//
//	event.go     entries of PutEvents as events, and their refusals
//	server.go    buses and rules; PutEvents
//	protocol.go  the HTTP of it
//	invoke.go    functions are invoked asynchronously, as Lambda does: retries, then the on-failure destination
//	state.go     what is kept over a restart
//
// Fidelity is the point where it decides over an event's fate. An entry of PutEvents is refused alone, its neighbours
// stand. A queue has the event when PutEvents answers, or its rule's dead-letter queue has it. A function's errors are
// Lambda's business, not the rule's: retried after one minute and after two more, then given to the function's own
// on-failure destination. Two things are stricter than AWS: an entry for a bus that isn't there is refused, and so is a
// pattern with an operator that isn't here.
//
// Limits are those that hold everywhere. AWS raised a request's 256 KB to 1 MB in January 2026, but not in its regions
// in China: here it is 256 KB.
package bus
