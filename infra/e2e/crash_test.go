//go:build linux

package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"billingcentre/infra/demo/centre"
	"billingcentre/shared/wallet"
)

// A function that dies in the middle of a batch loses nothing and bills nothing twice: what it had committed stands,
// the queue brings the whole batch again, and the rest settles then. The test has the stack to itself (no t.Parallel).
func TestAFunctionThatDiesMidBatchLosesNothing(t *testing.T) {
	s := running(t)
	a := open(t, "crash", "CNY")
	a.cash("1000.00")
	a.bind("crash-workspace")
	const count = 900
	var bills []wallet.Bill
	for n := range count {
		bills = append(bills, a.bill(fmt.Sprintf("crash-%d", n), "crash-workspace", "logs", "1.00"))
	}
	const usual = "420" // seconds, in the template
	visibility(t, a.centre, s.Running.BillQueue, "5")
	t.Cleanup(func() { visibility(t, a.centre, s.Running.BillQueue, usual) })
	start := a.wallet().Version
	a.send(bills...)
	await(t, "some bills are settled", func() (bool, error) { return a.wallet().Version > start, nil })
	killed := kill(t, "bill-settlement")
	if then := a.wallet().Version - start; then >= count {
		t.Fatalf("all %d bills were settled before the function was killed: nothing is shown", then)
	} else {
		t.Logf("%d of %d bills were settled when process %v was killed", then, count, killed)
	}
	await(t, "all bills are settled", func() (bool, error) { return a.wallet().Version-start >= count, nil })
	await(t, "the queue is empty", func() (bool, error) {
		waiting, err := a.centre.Waiting(t.Context())
		return waiting == 0, err
	})
	if w := a.wallet(); w.Cash != "100.00" || w.Version-start != count {
		t.Errorf("cash %s after %d entries, want 100.00 after %d", w.Cash, w.Version-start, count)
	}
}

func visibility(t *testing.T, c *centre.Centre, queue, seconds string) {
	t.Helper()
	_, err := c.SQS().SetQueueAttributes(context.Background(), &sqs.SetQueueAttributesInput{
		QueueUrl: aws.String(queue), Attributes: map[string]string{"VisibilityTimeout": seconds},
	})
	if err != nil {
		t.Fatal(err)
	}
}

// kill kills this test's processes of a function, as the system does when memory runs out.
func kill(t *testing.T, function string) (killed []int) {
	t.Helper()
	links, err := filepath.Glob("/proc/[0-9]*/exe")
	if err != nil {
		t.Fatal(err)
	}
	for _, link := range links {
		binary, err := os.Readlink(link)
		if err != nil || !strings.HasSuffix(binary, "/functions/"+function+"/bootstrap") {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(link)))
		if err != nil || parent(pid) != os.Getpid() {
			continue
		}
		if err := syscall.Kill(pid, syscall.SIGKILL); err == nil {
			killed = append(killed, pid)
		}
	}
	if len(killed) == 0 {
		t.Fatalf("no process of %s runs", function)
	}
	return killed
}

// parent is the fourth field of /proc/PID/stat, behind the name in brackets.
func parent(pid int) int {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 2 {
		return 0
	}
	ppid, _ := strconv.Atoi(fields[1])
	return ppid
}
