package stack

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"time"

	"billingcentre/infra/local/alipay"
	"billingcentre/infra/local/gateway"
	"billingcentre/infra/local/marketplace"
)

// goodbye is how long a server may go on answering when it is stopped.
const goodbye = 3 * time.Second

func (s *Stack) startAlipay(context.Context) error {
	var err error
	s.Alipay, err = alipay.New(s.keys, alipay.Options{
		Journal: s.data("alipay.jsonl"), URL: url(s.listeners.alipay), Log: s.logs.stack, Now: s.Now,
	})
	if err != nil {
		return err
	}
	s.onClose("Alipay's journal", s.Alipay.Close)
	return nil
}

// serve opens all doors.
func (s *Stack) serve(context.Context) error {
	invokers := map[string]gateway.Invoker{}
	for id, f := range s.functions {
		invokers[id] = f
	}
	api, err := gateway.New(gateway.Options{
		API: s.Deployment.API, Functions: s.Deployment.Functions, Invokers: invokers, Log: s.logs.access,
	})
	if err != nil {
		return err
	}
	s.serveOn("AWS's services", s.listeners.aws, s.aws())
	s.serveOn("the issuer of tokens", s.listeners.issuer, s.Issuer.Handler())
	s.serveOn("Alipay", s.listeners.alipay, s.Alipay)
	s.serveOn("the mailbox", s.listeners.mailbox, s.Mailbox)
	s.serveOn("the API", s.listeners.api, api)
	return nil
}

// aws is the one endpoint of AWS's services. Most name the operation in a header; Lambda's Invoke has a path, S3's
// requests are signed as such.
func (s *Stack) aws() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch target := r.Header.Get("X-Amz-Target"); {
		case strings.HasPrefix(r.URL.Path, invokePath):
			s.invoke(w, r)
		case marketplace.Takes(r):
			s.Marketplaces.ServeHTTP(w, r)
		case strings.HasPrefix(target, "secretsmanager."):
			s.secrets.ServeHTTP(w, r)
		case strings.HasPrefix(target, "AWSEvents."):
			s.Bus.ServeHTTP(w, r)
		case target == "" && s.objects.Owns(r):
			s.objects.ServeHTTP(w, r)
		default:
			s.queues.ServeHTTP(w, r) // which refuses what it doesn't know in AWS's words
		}
	})
}

// serveOn serves until the stack is closed. Then requests that only wait, such as long polls, are let go.
func (s *Stack) serveOn(what string, listener net.Listener, handler http.Handler) {
	living, end := context.WithCancel(context.Background())
	server := &http.Server{
		Handler: handler, ReadHeaderTimeout: 10 * time.Second, ErrorLog: s.logs.standard(),
		BaseContext: func(net.Listener) context.Context { return living },
	}
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			s.logs.stack.Error("server ended", "server", what, "error", err)
		}
	}()
	s.onClose(what, func() error {
		end()
		ctx, cancel := context.WithTimeout(context.Background(), goodbye)
		defer cancel()
		if err := server.Shutdown(ctx); err != nil {
			return server.Close()
		}
		return nil
	})
}
