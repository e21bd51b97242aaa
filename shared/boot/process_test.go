package boot_test

import (
	"bytes"
	"context"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"billingcentre/shared/boot"
	"billingcentre/shared/boot/secret"
)

// functions are what this test's binary is when it runs as a function, by BOOT_TEST.
var functions = map[string]func(*boot.Boot) greeter{
	"peppered": func(b *boot.Boot) greeter {
		pepper := secret.OfCentre(context.Background(), b)
		return func(_ context.Context, name string) (string, error) { return name + " knows " + string(pepper), nil }
	},
	"stored": func(b *boot.Boot) greeter {
		b.Store()
		return greet
	},
	"broken": func(*boot.Boot) greeter { panic("broken") },
}

func TestMain(m *testing.M) {
	if wire := functions[os.Getenv("BOOT_TEST")]; wire != nil {
		lambda.Start(boot.Meanwhile(wire))
	}
	os.Exit(m.Run())
}

// sandbox is a process of one of the functions, what it talks to, and what it printed. Its one event is "somebody".
type sandbox struct {
	asked    chan struct{} // closed when it asks for an event
	answer   chan string
	once     sync.Once
	respond  http.HandlerFunc // Secrets Manager
	process  *exec.Cmd
	out      bytes.Buffer
	deadline context.Context
}

func (s *sandbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch path := r.URL.Path; {
	case strings.HasSuffix(path, "/next"):
		first := false
		s.once.Do(func() { first = true })
		if !first {
			<-r.Context().Done()
			return
		}
		w.Header().Set("Lambda-Runtime-Aws-Request-Id", "1")
		w.Header().Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(time.Now().Add(time.Minute).UnixMilli(), 10))
		io.WriteString(w, `"somebody"`) //nolint:errcheck // the process is gone then
		close(s.asked)
	case strings.HasSuffix(path, "/response"):
		body, _ := io.ReadAll(r.Body)
		s.answer <- string(body)
		w.WriteHeader(http.StatusAccepted)
	default:
		s.respond(w, r)
	}
}

// start runs a function as Lambda would, in an environment that lacks nothing but what is told.
func start(t *testing.T, function, lacks string, secrets func(s *sandbox) http.HandlerFunc) *sandbox {
	t.Helper()
	deadline, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	s := &sandbox{asked: make(chan struct{}), answer: make(chan string, 1), deadline: deadline}
	s.respond = secrets(s)
	server := httptest.NewServer(s)
	env := map[string]string{
		"BOOT_TEST": function, "AWS_LAMBDA_RUNTIME_API": server.Listener.Addr().String(), initialization: "on-demand",
		"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local",
		"TABLE_NAME": "table", "SECRET_ARN": "centre", "AWS_ENDPOINT_URL_SECRETS_MANAGER": server.URL,
	}
	delete(env, lacks)
	s.process = exec.CommandContext(deadline, os.Args[0])
	for _, name := range slices.Sorted(maps.Keys(env)) {
		s.process.Env = append(s.process.Env, name+"="+env[name])
	}
	s.process.Stdout, s.process.Stderr = &s.out, &s.out
	if err := s.process.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = s.process.Wait()
		server.Close()
	})
	return s
}

// afterwards is an answer of Secrets Manager that comes only after the function asked for its first event.
func afterwards(status int, body string) func(s *sandbox) http.HandlerFunc {
	return func(s *sandbox) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			select {
			case <-s.asked:
				w.WriteHeader(status)
				io.WriteString(w, body) //nolint:errcheck // the process is gone then
			case <-r.Context().Done(): // given up
			}
		}
	}
}

func TestAFunctionAsksForItsFirstEventWhileItsSecretIsOnItsWay(t *testing.T) {
	pepper := strings.Repeat("pepper", 6)
	s := start(t, "peppered", "", afterwards(http.StatusOK, `{"SecretString":"{\"pepper\":\"`+pepper+`\"}"}`))
	select {
	case answer := <-s.answer:
		if want := `"somebody knows ` + pepper + `"`; answer != want {
			t.Errorf("got %s, want %s", answer, want)
		}
	case <-s.deadline.Done():
		t.Error("the event wasn't answered")
	}
}

func TestAFunctionThatCannotBeWiredEnds(t *testing.T) {
	for _, row := range []struct {
		name, function, lacks string
		secrets               func(*sandbox) http.HandlerFunc
		code                  int
		says                  string
	}{
		{"a variable is missing", "stored", "TABLE_NAME", afterwards(http.StatusOK, ""), 1, `"variable":"TABLE_NAME"`},
		{"a secret's variable is missing", "peppered", "SECRET_ARN", afterwards(http.StatusOK, ""), 1, `"variable":"SECRET_ARN"`},
		{"a secret can't be read", "peppered", "", afterwards(http.StatusBadRequest, `{"__type":"AccessDeniedException"}`), 1, `"variable":"SECRET_ARN"`},
		{"a secret isn't what it should be", "peppered", "", afterwards(http.StatusOK, `{"SecretString":"pepper"}`), 1, `"variable":"SECRET_ARN"`},
		{"wiring panics", "broken", "", afterwards(http.StatusOK, ""), 2, "panic: broken"},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := start(t, row.function, row.lacks, row.secrets)
			_ = s.process.Wait() // its code says how it ended
			if code := s.process.ProcessState.ExitCode(); code != row.code || !strings.Contains(s.out.String(), row.says) {
				t.Errorf("it ended with code %d, want %d and %s in the log:\n%s", code, row.code, row.says, s.out.String())
			}
			if len(s.answer) > 0 {
				t.Errorf("it answered an event: %s", <-s.answer)
			}
		})
	}
}
