//go:build unix

package settlement

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"billingcentre/shared/wallet"
)

// What the function computes for a bill of the 253.60 day's length, over a store in memory. The design allows 500 µs
// of CPU alone and 100 µs coalesced, the database's time aside; CPU is the whole process's, its collector's too.
func BenchmarkBillAlone(b *testing.B)          { benchmark(b, 15, 1, "ws-a") }
func BenchmarkBillsCoalesced(b *testing.B)     { benchmark(b, 15, 99, "ws-a") }
func BenchmarkShortCoalesced(b *testing.B)     { benchmark(b, 1, 99, "ws-a") }
func BenchmarkBatchOfTwoAccounts(b *testing.B) { benchmark(b, 15, 990, "ws-a", "ws-b") }

// benchmark takes batches of n bills, with so many lines each, of the workspaces in turn.
func benchmark(b *testing.B, lines, n int, workspaces ...wallet.WorkspaceID) {
	all := make([]string, lines)
	for i := range all {
		all[i] = fmt.Sprintf(`{"product":"product-%d","usage":"60000","unit":"series","unit_price":"0.0007","amount":"0.000001"}`, i)
	}
	var m *mill
	var spent time.Duration
	done := 0
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		if done%10_000 < n { // the store in memory keeps everything: begin anew now and then
			m = newMill(b)
		}
		records := make([]events.SQSMessage, n)
		for i := range records {
			done++
			records[i] = record(fmt.Sprintf("m-%d", done), fmt.Sprintf(`{"version":1,"bill_id":"b-%d","workspace_id":%q,"day":"2026-11-01","currency":"CNY","lines":[%s]}`,
				done, workspaces[i%len(workspaces)], strings.Join(all, ",")))
		}
		before := cpu(b)
		b.StartTimer()
		m.take(records...)
		spent += cpu(b) - before
	}
	b.ReportMetric(float64(spent.Microseconds())/float64(done), "CPU-µs/bill")
}

// cpu is the time that the process has had of a processor.
func cpu(b *testing.B) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
