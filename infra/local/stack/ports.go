package stack

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"syscall"
)

// Ports are where the stack listens, on this machine only. Zero is any free port.
type Ports struct {
	API      int
	AWS      int // SQS and Secrets Manager
	Alipay   int
	Issuer   int
	Mailbox  int // SES, and the page of mails
	DynamoDB int
}

// DefaultPorts are those of `make run`.
var DefaultPorts = Ports{API: 8080, AWS: 8081, Alipay: 8082, Issuer: 8083, Mailbox: 8084, DynamoDB: 8000}

type listeners struct{ api, aws, alipay, issuer, mailbox net.Listener }

// listen takes the ports before anything else: everybody must be told where everybody is.
func (s *Stack) listen(context.Context) error {
	for _, p := range []struct {
		what string
		port int
		into *net.Listener
	}{
		{"the API", s.options.Ports.API, &s.listeners.api},
		{"SQS", s.options.Ports.AWS, &s.listeners.aws},
		{"Alipay", s.options.Ports.Alipay, &s.listeners.alipay},
		{"the issuer of tokens", s.options.Ports.Issuer, &s.listeners.issuer},
		{"the mailbox", s.options.Ports.Mailbox, &s.listeners.mailbox},
	} {
		listener, err := s.listenOn(p.what, p.port)
		if err != nil {
			return err
		}
		*p.into = listener
		s.onClose("the port of "+p.what, func() error {
			if err := listener.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
				return err
			}
			return nil
		})
	}
	// DynamoDB Local listens for itself: only whether its port is free can be told.
	if port := s.options.Ports.DynamoDB; port != 0 && taken(port) {
		s.console.Say("  Port %d is taken: DynamoDB Local gets another one.", port)
		s.options.Ports.DynamoDB = 0
	}
	return nil
}

func (s *Stack) listenOn(what string, port int) (net.Listener, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(port))
	if port != 0 && errors.Is(err, syscall.EADDRINUSE) {
		s.console.Say("  Port %d is taken: %s gets another one.", port, what)
		listener, err = net.Listen("tcp", "127.0.0.1:0")
	}
	if err != nil {
		return nil, fmt.Errorf("listen for %s: %w", what, err)
	}
	return listener, nil
}

func taken(port int) bool {
	listener, err := net.Listen("tcp", ":"+strconv.Itoa(port))
	if err != nil {
		return true
	}
	_ = listener.Close()
	return false
}

func url(l net.Listener) string { return "http://" + l.Addr().String() }
