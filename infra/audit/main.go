// Command audit proves, from outside, that journals are what they were.
//
//	audit verify [-account ACCOUNT] [-anchor NUMBER:HASH]   replays journals of a table from their first entries against
//	                                                        their heads, trusting nothing that was verified before
//	audit export -account ACCOUNT [-from NUMBER] [-o FILE]  writes a statement with its proof, as a customer gets it
//	audit check [-anchor NUMBER:HASH] FILE                  checks such a file, without the centre, the table or a network
//
// verify and export take the local stack that runs here. With -table (and AWS's environment variables for credentials)
// verify takes a table of AWS, and with -api and -token export takes any centre.
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

var commands = map[string]func(ctx context.Context, args []string, out io.Writer) error{
	"verify": verify, "export": export, "check": check,
}

const usage = `usage: audit verify [-account ACCOUNT] [-anchor NUMBER:HASH] [-grace 24h] [-table TABLE [-region REGION]]
       audit export -account ACCOUNT [-from NUMBER] [-o FILE] [-api URL -token TOKEN]
       audit check [-anchor NUMBER:HASH] FILE
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if len(os.Args) < 2 || commands[os.Args[1]] == nil {
		fmt.Fprint(os.Stderr, usage)
		os.Exit(2)
	}
	switch err := commands[os.Args[1]](ctx, os.Args[2:], os.Stdout); {
	case errors.Is(err, flag.ErrHelp):
		os.Exit(2)
	case err != nil:
		fmt.Fprintf(os.Stderr, "audit %s: %v\n", os.Args[1], err)
		os.Exit(1)
	}
}

// parse takes a command's flags, and so many words behind them. A word too many is a flag without its dash, mostly: nobody
// must take for an answer what was never asked.
func parse(set *flag.FlagSet, args []string, words int) error {
	if err := set.Parse(args); err != nil {
		return err
	}
	if set.NArg() > words {
		return fmt.Errorf("what is %q for? Flags begin with a dash, and come first", set.Arg(words))
	}
	return nil
}

// flags are a command's.
func flags(name string) *flag.FlagSet {
	set := flag.NewFlagSet(name, flag.ContinueOnError)
	set.Usage = func() { fmt.Fprint(os.Stderr, usage) }
	return set
}
