// Package dynamodb runs DynamoDB Local: Amazon's own implementation for one machine, and so the judge of what this
// repository believes about DynamoDB.
//
// Its licence forbids passing it on, hence it is never committed: Start fetches it by its exact version from npm,
// where Amazon publishes it inside amplify-dynamodb-simulator, checks it against a digest kept in this package, and
// unpacks it into the git-ignored .local folder, once. It runs on a free port, in memory for tests, on disk for
// `make run`. It dies with the program that started it.
//
// What it can't show: transaction conflicts (it is one lock), throttling, lost answers, and the capacity of
// transactions, which it misreports. It listens on all interfaces, having no setting for that.
package dynamodb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"billingcentre/infra/local/process"
)

const (
	// startWait bounds a start; three seconds are usual, more on a busy machine.
	startWait = 60 * time.Second
	// stopWait is the time for an orderly end before the process is killed.
	stopWait = 5 * time.Second
	// portAttempts is how often a free port is looked for: another program may take it before Java does.
	portAttempts = 3
)

var errPortTaken = errors.New("the port is taken")

// Options says where DynamoDB Local is kept and how it runs. The zero value is right for tests.
type Options struct {
	Dir     string       // where it is installed; "" means .local/dynamodb in the repository
	DataDir string       // where tables are kept, made when missing; "" keeps them in memory
	Port    int          // 0 picks a free one
	Log     io.Writer    // what it prints; nil drops it
	Notes   func(string) // is told, in words for people, what takes time (a download); nil tells nobody
}

// Server is a running DynamoDB Local. It shares one database among all credentials and Regions.
type Server struct {
	Endpoint string // http://127.0.0.1:port, for tables and streams
	process  *process.Process
}

// Start installs DynamoDB Local when necessary, starts it, and returns when it answers. It needs Java 17 or later.
func Start(ctx context.Context, o Options) (*Server, error) {
	java, err := exec.LookPath("java")
	if err != nil {
		return nil, errors.New("DynamoDB Local needs Java 17 or later, and there is no java in PATH: run infra/setup.sh")
	}
	home, err := install(ctx, o.Dir, o.Notes)
	if err != nil {
		return nil, err
	}
	for attempt := 1; ; attempt++ {
		server, err := start(ctx, java, home, o)
		if errors.Is(err, errPortTaken) && o.Port == 0 && attempt < portAttempts {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("start DynamoDB Local: %w", err)
		}
		return server, nil
	}
}

func start(ctx context.Context, java, home string, o Options) (*Server, error) {
	port, err := choosePort(o.Port)
	if err != nil {
		return nil, err
	}
	args, err := arguments(home, o.DataDir, port)
	if err != nil {
		return nil, err
	}
	said := &transcript{next: o.Log}
	cmd := exec.Command(java, args...)
	cmd.Dir = home
	cmd.Stdout, cmd.Stderr = said, said
	child, err := process.Start(cmd)
	if err != nil {
		return nil, err
	}
	server := &Server{Endpoint: "http://127.0.0.1:" + strconv.Itoa(port), process: child}
	if err := server.await(ctx, said); err != nil {
		child.Kill()
		return nil, err
	}
	return server, nil
}

// arguments are those measured best: half the memory and faster than Java's defaults on a small machine.
func arguments(home, dataDir string, port int) ([]string, error) {
	args := []string{
		"-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx512m",
		"-Djava.library.path=" + filepath.Join(home, "DynamoDBLocal_lib"),
		"-jar", filepath.Join(home, "DynamoDBLocal.jar"),
		"-sharedDb", "-disableTelemetry", "-port", strconv.Itoa(port),
	}
	if dataDir == "" {
		return append(args, "-inMemory"), nil
	}
	dataDir, err := filepath.Abs(dataDir)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dataDir, 0o700); err != nil {
		return nil, err
	}
	return append(args, "-dbPath", dataDir), nil
}

func choosePort(wanted int) (int, error) {
	listener, err := net.Listen("tcp", net.JoinHostPort("", strconv.Itoa(wanted)))
	if err != nil {
		return 0, fmt.Errorf("%w: %w", errPortTaken, err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port, nil
}

// await returns when the server answers a request. Whoever else may answer on the port, it isn't ours before it has
// printed its settings; and when the port is taken, it says so but doesn't exit.
func (s *Server) await(ctx context.Context, said *transcript) error {
	ctx, cancel := context.WithTimeout(ctx, startWait)
	defer cancel()
	client := s.Client(func(o *sdk.Options) { o.Retryer = aws.NopRetryer{} })
	poll := time.NewTicker(50 * time.Millisecond)
	defer poll.Stop()
	for {
		if said.contains("BindException") {
			return errPortTaken
		}
		if said.contains("Initializing DynamoDB Local") {
			if _, err := client.ListTables(ctx, &sdk.ListTablesInput{Limit: aws.Int32(1)}); err == nil {
				return nil
			}
		}
		select {
		case <-s.process.Done():
			return fmt.Errorf("it ended (%s): %s", s.process.Outcome(), said)
		case <-ctx.Done():
			return fmt.Errorf("it doesn't answer (%w): %s", ctx.Err(), said)
		case <-poll.C:
		}
	}
}

// Client is an SDK client of the server, for tables; its credentials are any, as the server takes all.
func (s *Server) Client(with ...func(*sdk.Options)) *sdk.Client { return Client(s.Endpoint, with...) }

// Client is an SDK client of a DynamoDB Local that runs at endpoint.
func Client(endpoint string, with ...func(*sdk.Options)) *sdk.Client {
	return sdk.New(sdk.Options{
		Region:       "us-east-1",
		BaseEndpoint: &endpoint,
		Credentials:  credentials.NewStaticCredentialsProvider("local", "local", ""),
	}, with...)
}

// Close stops the server and waits until it is gone. Data in memory is lost, data on disk is kept.
func (s *Server) Close() error {
	s.process.Stop(stopWait)
	return nil
}

// PID is the id of the server's process.
func (s *Server) PID() int { return s.process.PID() }
