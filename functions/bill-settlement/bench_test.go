package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"billingcentre/shared/wallet"
)

// benchmark takes batches of n bills, with so many lines each, of the workspaces in turn.
func benchmark(b *testing.B, lines, n int, workspaces ...wallet.WorkspaceID) {
	one := `{"product":"product-%d","usage":"60000","unit":"series","unit_price":"0.0007","amount":"0.000001"}`
	var all []string
	for i := range lines {
		all = append(all, fmt.Sprintf(one, i))
	}
	done := 0
	var m *mill
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		if done%10_000 < n { // the store in memory keeps all: begin anew now and then
			m = newMill(b)
		}
		records := make([]events.SQSMessage, n)
		for i := range records {
			done++
			records[i] = record(fmt.Sprintf("m-%d", done), fmt.Sprintf(`{"version":1,"bill_id":"b-%d","workspace_id":%q,"day":"2026-11-01","currency":"CNY","lines":[%s]}`,
				done, workspaces[i%len(workspaces)], strings.Join(all, ",")))
		}
		b.StartTimer()
		m.take(records...)
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(done), "µs/bill")
}

// design: <= 500 µs alone and <= 100 µs coalesced, the database's time aside.
func BenchmarkBillAlone(b *testing.B)         { benchmark(b, 15, 1, "ws-a") }
func BenchmarkBillsCoalesced(b *testing.B)    { benchmark(b, 15, 99, "ws-a") }
func BenchmarkShortCoalesced(b *testing.B)    { benchmark(b, 1, 99, "ws-a") }
func BenchmarkThousandCoalesced(b *testing.B) { benchmark(b, 15, 990, "ws-a", "ws-b") }
