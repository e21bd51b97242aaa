// Package sqs is Amazon SQS for one machine: standard queues behind SQS's JSON
// 1.0 protocol, so that the AWS SDK's client and `aws sqs --endpoint-url` work
// against it unchanged, and a Go interface for the event-source poller that
// lives in the same process.
//
// Fidelity is the point. A function that passes here must not be surprised by
// the real queue, so whatever decides over the fate of a message behaves as AWS
// documents it: visibility and its 12 hours in all, receive counts, redrive to
// the dead-letter queue and back, delays, retention, size limits, checksums, and
// refusals with AWS's codes. Two freedoms that AWS only reserves are taken on
// the strict side: a receipt handle is void as soon as its message was received
// again, and a message waits in the order in which it became visible.
//
// The design is one mutex over plain maps. Every operation is a short step on
// memory at one instant of an injected clock, and a message that moves between
// two queues needs both at once; finer locks would buy nothing here. Nothing
// happens in the background except message move tasks: a message becomes
// visible, or is too old, because somebody looks at the queue later. The queues
// are kept between runs by Save and Load; nothing is written in between, so a
// killed process loses what came after the last Save.
//
// Not here, and refused rather than ignored: FIFO queues and permissions.
// Stored without effect: Policy and encryption attributes.
package sqs
