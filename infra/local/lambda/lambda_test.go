package lambda_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"billingcentre/infra/local/lambda"
)

// bootstrap is testdata's function, built once as for Lambda.
var bootstrap string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "lambda-test-")
	if err != nil {
		panic(err)
	}
	bootstrap = filepath.Join(dir, "bootstrap")
	build := exec.Command("go", "build", "-tags", "lambda.norpc", "-o", bootstrap, "./testdata/function")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		panic(fmt.Sprintf("build the function: %v: %s", err, out))
	}
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

func TestItRunsTheBinaryAndKeepsItWarm(t *testing.T) {
	f := function(t, lambda.Config{})
	var first, second struct {
		Text             string
		PID, Invocations int
	}
	invoke(t, f, `{"do":"echo","text":"你好"}`, &first)
	invoke(t, f, `{"do":"echo"}`, &second)
	if first.Text != "你好" || first.Invocations != 1 || second.Invocations != 2 || first.PID != second.PID {
		t.Errorf("got %+v, then %+v, want the same process twice", first, second)
	}
	if n := f.Sandboxes(); n != 1 {
		t.Errorf("%d processes, want one", n)
	}
}

func TestFailures(t *testing.T) {
	for _, row := range []struct {
		name, event   string
		env           map[string]string
		kind, message string
		survives      bool
	}{
		{name: "an error's type is its Go type", event: `{"do":"fail","text":"no money"}`, kind: "refused", message: "no money", survives: true},
		{name: "an error without a type", event: `{"do":"fail plainly","text":"no money"}`, kind: "errorString", message: "no money", survives: true},
		{name: "an event that isn't JSON", event: `{`, kind: "errorString", message: "unexpected EOF", survives: true},
		{name: "a panic costs the process", event: `{"do":"panic","text":"broken"}`, kind: "string", message: "broken"},
		{name: "an exit", event: `{"do":"exit"}`, kind: lambda.ExitError, message: "Runtime exited with error: exit status 7"},
		{name: "a response that breaks off", event: `{"do":"break off"}`, kind: "refused", message: "it broke off", survives: true},
		{
			name: "a response over the limit", event: fmt.Sprintf(`{"do":"big","size":%d}`, lambda.MaxResponse+1), kind: lambda.ResponseTooLarge,
			message: "Response payload size (6291557 bytes) exceeded maximum allowed payload size (6291556 bytes).",
		},
		{name: "an exit at the start", env: map[string]string{"START": "exit"}, kind: lambda.ExitError, message: "Runtime exited with error: exit status 3"},
		{name: "a start that is reported as failed", env: map[string]string{"START": "report"}, kind: "Config.Missing", message: "no TABLE_NAME"},
	} {
		t.Run(row.name, func(t *testing.T) {
			f := function(t, lambda.Config{Env: row.env})
			_, err := f.Invoke(t.Context(), []byte(row.event))
			failed, ok := errors.AsType[*lambda.FunctionError](err)
			if !ok || failed.Type != row.kind || failed.Message != row.message {
				t.Fatalf("got %v, want %s: %s", err, row.kind, row.message)
			}
			if survived := f.Sandboxes() == 1; survived != row.survives {
				t.Errorf("the process survived: %v, want %v", survived, row.survives)
			}
			if row.env == nil {
				invoke(t, f, `{"do":"echo"}`, nil)
			}
		})
	}
}

func TestATimeOutKillsTheProcess(t *testing.T) {
	logs := &buffer{}
	f := function(t, lambda.Config{Timeout: 300 * time.Millisecond, Logs: logs})
	_, err := f.Invoke(t.Context(), []byte(`{"do":"sleep"}`))
	failed, ok := errors.AsType[*lambda.FunctionError](err)
	if !ok || failed.Type != lambda.TimedOut || failed.Message != "Task timed out after 0.30 seconds" || failed.RequestID == "" {
		t.Errorf("got %v, want a time-out", err)
	}
	if n := f.Sandboxes(); n != 0 {
		t.Errorf("%d processes are left, want none", n)
	}
	if !strings.Contains(logs.String(), "Task timed out after 0.30 seconds") {
		t.Errorf("the log doesn't tell of it: %s", logs)
	}
}

func TestAStartThatHangsTimesOut(t *testing.T) {
	f := function(t, lambda.Config{InitTimeout: 200 * time.Millisecond, Env: map[string]string{"START": "hang"}})
	_, err := f.Invoke(t.Context(), []byte(`{}`))
	if failed, ok := errors.AsType[*lambda.FunctionError](err); !ok || failed.Type != lambda.TimedOut || !strings.HasPrefix(failed.Message, "Init timed out") {
		t.Errorf("got %v, want a time-out of the start", err)
	}
	if n := f.Sandboxes(); n != 0 {
		t.Errorf("%d processes are left, want none", n)
	}
}

func TestAFailedStartIsTriedAgainByTheNextInvocation(t *testing.T) {
	f := function(t, lambda.Config{Concurrency: 1, Env: map[string]string{"START": "once", "MARK": filepath.Join(t.TempDir(), "mark")}})
	if _, err := f.Invoke(t.Context(), []byte(`{"do":"echo"}`)); err == nil {
		t.Fatal("the first start succeeded")
	}
	invoke(t, f, `{"do":"echo"}`, nil)
}

func TestABinaryThatIsNotThere(t *testing.T) {
	f := lambda.New(lambda.Config{Name: "nobody", Binary: filepath.Join(t.TempDir(), "bootstrap")})
	defer f.Close()
	_, err := f.Invoke(t.Context(), []byte(`{}`))
	if failed, ok := errors.AsType[*lambda.FunctionError](err); !ok || failed.Type != lambda.InvalidEntry {
		t.Errorf("got %v, want %s", err, lambda.InvalidEntry)
	}
}

func TestAWarmProcessThatDiedIsReplaced(t *testing.T) {
	f := function(t, lambda.Config{})
	var warm, next struct{ PID int }
	invoke(t, f, `{"do":"echo"}`, &warm)
	process, err := os.FindProcess(warm.PID)
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Kill(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "its death is noticed", func() bool { return f.Sandboxes() == 0 })
	invoke(t, f, `{"do":"echo"}`, &next)
	if next.PID == warm.PID {
		t.Error("a dead process answered")
	}
}

func TestConcurrency(t *testing.T) {
	f := function(t, lambda.Config{Concurrency: 3, Timeout: time.Minute})
	path := filepath.Join(t.TempDir(), "go")
	event := fmt.Appendf(nil, `{"do":"rendezvous","path":%q}`, path)
	var group sync.WaitGroup
	var pids collection
	for range 3 {
		group.Go(func() {
			out, err := f.Invoke(t.Context(), event)
			pids.add(string(out))
			if err != nil {
				t.Error(err)
			}
		})
	}
	eventually(t, "three run at once", func() bool { there, _ := filepath.Glob(path + ".*"); return len(there) == 3 })

	_, err := f.Invoke(t.Context(), []byte(`{"do":"echo"}`))
	if throttled, ok := errors.AsType[*lambda.ThrottledError](err); !ok || !throttled.Throttled() {
		t.Errorf("the fourth at once: %v, want a throttle", err)
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	group.Wait()
	if n := len(pids.distinct()); n != 3 {
		t.Errorf("%d processes served three invocations at once", n)
	}
	invoke(t, f, `{"do":"echo"}`, nil)
	if n := f.Sandboxes(); n != 3 {
		t.Errorf("%d processes are warm, want three", n)
	}
}

func TestOneProcessServesOneAfterTheOtherWithoutAThrottle(t *testing.T) {
	f := function(t, lambda.Config{Concurrency: 1})
	for i := range 200 {
		var out struct{ Invocations int }
		if invoke(t, f, `{"do":"echo"}`, &out); out.Invocations != i+1 {
			t.Fatalf("invocation %d is the process's %dth", i+1, out.Invocations)
		}
	}
}

func TestWhatTheFunctionIsTold(t *testing.T) {
	now := time.Now().Add(time.Hour).Truncate(time.Millisecond) // told by the given clock, not by the real one
	f := function(t, lambda.Config{Timeout: 20 * time.Second, Region: "cn-north-1", Now: func() time.Time { return now }})
	var told struct {
		Request, ARN, Trace string
		Deadline            int64 `json:"deadline_ms"`
	}
	invoke(t, f, `{"do":"context"}`, &told)
	if want := now.Add(20 * time.Second).UnixMilli(); told.Deadline != want {
		t.Errorf("deadline %d, want %d", told.Deadline, want)
	}
	if told.ARN != "arn:aws:lambda:cn-north-1:000000000000:function:test" {
		t.Errorf("ARN %s", told.ARN)
	}
	if len(told.Request) != 36 || !strings.HasPrefix(told.Trace, "Root=1-") {
		t.Errorf("request id %q, trace %q", told.Request, told.Trace)
	}
}

func TestTheEnvironmentIsLambdasAndTheFunctionsOnly(t *testing.T) {
	t.Setenv("OF_THE_HOST", "secret")
	f := function(t, lambda.Config{MemoryMB: 512, Env: map[string]string{"TABLE_NAME": "billing", "AWS_REGION": "eu-west-1", "AWS_LAMBDA_FUNCTION_NAME": "forged"}})
	var env []string
	invoke(t, f, `{"do":"environment"}`, &env)
	for _, want := range []string{
		"AWS_EXECUTION_ENV=AWS_Lambda_provided.al2023", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=512", "AWS_LAMBDA_FUNCTION_NAME=test",
		"AWS_LAMBDA_FUNCTION_VERSION=$LATEST", "AWS_REGION=eu-west-1", "LAMBDA_TASK_ROOT=" + filepath.Dir(bootstrap), "TABLE_NAME=billing", "TZ=:UTC", "_HANDLER=bootstrap",
	} {
		if !slices.Contains(env, want) {
			t.Errorf("%s is missing", want)
		}
	}
	known := []string{
		"AWS_DEFAULT_REGION", "AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME",
		"AWS_LAMBDA_RUNTIME_API", "LANG", "PATH", "_X_AMZN_TRACE_ID",
	}
	if n := len(env); n != 9+len(known) {
		t.Errorf("%d variables, want %d: %s", n, 9+len(known), env)
	}
}

func TestSizes(t *testing.T) {
	f := function(t, lambda.Config{Timeout: time.Minute})
	out, err := f.Invoke(t.Context(), fmt.Appendf(nil, `{"do":"big","size":%d}`, lambda.MaxResponse))
	if err != nil || len(out) != lambda.MaxResponse {
		t.Errorf("the largest response: %d bytes, %v", len(out), err)
	}
	largest := `{"do":"echo","size":1,"path":"` + strings.Repeat("x", lambda.MaxEvent-32) + `"}`
	invoke(t, f, largest, nil)
	_, err = f.Invoke(t.Context(), []byte(largest+" "))
	if tooLarge, ok := errors.AsType[*lambda.EventTooLargeError](err); !ok || tooLarge.Size != lambda.MaxEvent+1 {
		t.Errorf("an event of %d bytes: %v", len(largest)+1, err)
	}
}

func TestLogsAreWholeLinesBehindTheName(t *testing.T) {
	logs := &buffer{}
	f := function(t, lambda.Config{Logs: logs})
	invoke(t, f, `{"do":"print","text":"one\ntwo"}`, nil)
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(logs.String()), "\n")
	slices.Sort(lines)
	want := []string{"test | one", "test | to stderr", "test | two", "test | without an end"}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
}

func TestACallerWhoLeavesDoesNotStopTheFunction(t *testing.T) {
	f := function(t, lambda.Config{Concurrency: 1, Timeout: time.Minute})
	path := filepath.Join(t.TempDir(), "go")
	ctx, leave := context.WithCancel(t.Context())
	left := make(chan error)
	go func() {
		_, err := f.Invoke(ctx, fmt.Appendf(nil, `{"do":"rendezvous","path":%q}`, path))
		left <- err
	}()
	eventually(t, "it runs", func() bool { there, _ := filepath.Glob(path + ".*"); return len(there) == 1 })
	leave()
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
	if _, err := f.Invoke(t.Context(), []byte(`{"do":"echo"}`)); err == nil {
		t.Error("the only process takes an event while it is at work")
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the same process serves again", func() bool {
		out, err := f.Invoke(t.Context(), []byte(`{"do":"echo"}`))
		return err == nil && strings.Contains(string(out), `"invocations":2`)
	})
}

func TestClose(t *testing.T) {
	logs := &buffer{}
	f := function(t, lambda.Config{Timeout: time.Minute, Logs: logs, Env: map[string]string{"SIGTERM": "please"}})
	invoke(t, f, `{"do":"echo"}`, nil)
	path := filepath.Join(t.TempDir(), "go")
	busy := make(chan error)
	go func() {
		_, err := f.Invoke(t.Context(), fmt.Appendf(nil, `{"do":"rendezvous","path":%q}`, path))
		busy <- err
	}()
	eventually(t, "it runs", func() bool { there, _ := filepath.Glob(path + ".*"); return len(there) == 1 })
	closed := make(chan error)
	go func() { closed <- f.Close() }()
	if err := <-busy; !errors.Is(err, lambda.ErrClosed) {
		t.Errorf("the invocation under way: %v, want %v", err, lambda.ErrClosed)
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
	if n := f.Sandboxes(); n != 0 {
		t.Errorf("%d processes are left", n)
	}
	if !strings.Contains(logs.String(), "told to end") {
		t.Errorf("SIGTERM didn't reach the process: %s", logs)
	}
	if _, err := f.Invoke(t.Context(), []byte(`{}`)); !errors.Is(err, lambda.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

func BenchmarkInvokeWarm(b *testing.B) {
	f := lambda.New(lambda.Config{Name: "bench", Binary: bootstrap})
	defer f.Close()
	for b.Loop() {
		if _, err := f.Invoke(b.Context(), []byte(`{"do":"echo"}`)); err != nil {
			b.Fatal(err)
		}
	}
}
