// Command local is the local stack: the whole deployment on one machine (package stack), and what one does with it.
//
//	local run [-once] [-certificates] [-json FILE] starts it, shows the main job, stays until Ctrl-C
//	local token -role ROLE [-account ACCOUNT]      prints a token for the API of the running stack
//	local import [-account ACCOUNT] FILE           puts the bills of a FOCUS file on its queue
//	local forward [-by 24h]                        lets time pass on it
//
// The Makefile wraps all of them. Everything that is kept between runs is in .local.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// commands by name. What they print is for people, but for what they are asked for: a token, a file.
var commands = map[string]func(ctx context.Context, args []string) error{
	"run":     run,
	"token":   token,
	"import":  importFile,
	"forward": forward,
}

const usage = `usage: local run [-once] [-certificates] [-json FILE]
       local token -role owner|viewer|operator|partner [-account ACCOUNT] [-partner PARTNER] [-for 12h]
       local import [-account ACCOUNT] FILE
       local forward [-by 24h]
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	if err := dispatch(ctx, os.Args[1:]); err != nil {
		os.Exit(exitCode(err))
	}
}

func dispatch(ctx context.Context, args []string) error {
	if len(args) == 0 || commands[args[0]] == nil {
		fmt.Fprint(os.Stderr, usage)
		return flag.ErrHelp
	}
	err := commands[args[0]](ctx, args[1:])
	if err != nil && !errors.Is(err, flag.ErrHelp) && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, "local "+args[0]+":", err)
	}
	return err
}

// exitCode is 2 for a wrong call, 130 when it was interrupted before it was done, else 1.
func exitCode(err error) int {
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 2
	case errors.Is(err, context.Canceled):
		return 130
	default:
		return 1
	}
}

// flags are a command's; a wrong one shows how all commands are called.
func flags(name string) *flag.FlagSet {
	set := flag.NewFlagSet(name, flag.ContinueOnError)
	set.SetOutput(io.Discard)
	return set
}

func parse(set *flag.FlagSet, args []string) error {
	if err := set.Parse(args); err != nil {
		fmt.Fprintf(os.Stderr, "local %s: %v\n%s", set.Name(), err, usage)
		return flag.ErrHelp
	}
	return nil
}
