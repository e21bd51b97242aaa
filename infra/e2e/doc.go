// Package e2e holds the end-to-end tests: the true binaries, as they would be deployed, in the whole local stack, from
// outside: through the HTTP API and the queue, by the same client that `make run` uses.
//
// All tests share one stack, with tables in memory, on free ports; each has accounts and workspaces of its own. Nothing
// here sleeps: what takes time is waited for, up to a deadline. `go test -short` leaves all of it out.
package e2e
