//go:build unix

package process_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"billingcentre/infra/local/process"
)

// asHost makes the test binary play a host that starts a child, prints its id and waits to be killed.
const asHost = "PROCESS_TEST_HOST"

func TestMain(m *testing.M) {
	if os.Getenv(asHost) == "" {
		os.Exit(m.Run())
	}
	child, err := process.Start(exec.Command("sleep", "300"))
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(child.PID())
	<-child.Done()
}

func TestNothingSurvivesAKilledHost(t *testing.T) {
	host := exec.Command(os.Args[0])
	host.Env = append(os.Environ(), asHost+"=1")
	output, err := host.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := host.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(output).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatal(err)
	}
	if err := host.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = host.Wait()
	eventually(t, "the child is gone", func() bool { return gone(pid) })
}

func TestStop(t *testing.T) {
	for _, row := range []struct {
		name, script string
		grace        time.Duration
		want         string
	}{
		{"one that ends when asked", `trap 'exit 3' TERM; echo ready; while :; do sleep 0.01; done`, time.Minute, "exit status 3"},
		{"one that won't is killed", `trap '' TERM; echo ready; while :; do sleep 0.01; done`, 10 * time.Millisecond, "signal: killed"},
	} {
		t.Run(row.name, func(t *testing.T) {
			child := started(t, row.script)
			child.Stop(row.grace)
			if got := child.Outcome(); got != row.want {
				t.Errorf("it ended with %q, want %q", got, row.want)
			}
		})
	}
}

func TestKillTakesGrandchildrenToo(t *testing.T) {
	cmd := exec.Command("sh", "-c", "sleep 300 & echo $!; wait")
	output, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	child, err := process.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	var grandchild int
	if _, err := fmt.Fscan(output, &grandchild); err != nil {
		t.Fatal(err)
	}
	child.Kill()
	eventually(t, "the grandchild is gone", func() bool { return gone(grandchild) })
}

func TestStartOfWhatIsNotThere(t *testing.T) {
	if _, err := process.Start(exec.Command("/nonexistent")); err == nil {
		t.Error("it started")
	}
}

// started runs a shell script that prints a line when it is ready to be stopped.
func started(t *testing.T, script string) *process.Process {
	t.Helper()
	cmd := exec.Command("sh", "-c", script)
	output, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	child, err := process.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(child.Kill)
	if _, err := bufio.NewReader(output).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	return child
}

// gone takes a zombie that nobody has reaped yet for gone.
func gone(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return true
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && strings.Contains(string(stat), ") Z ")
}

func eventually(t *testing.T, what string, true func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if true() {
			return
		}
	}
	t.Errorf("not within ten seconds: %s", what)
}
