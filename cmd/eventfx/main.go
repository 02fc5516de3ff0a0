// Command eventfx shows events as programs written with eventfx see them.
//
//	eventfx sample KIND               a payload as AWS sends it
//	eventfx normalize [FILE...]       the CloudEvents in payloads
//	eventfx invoke [PAYLOAD...]       run the compiled function on this machine
//
// sample makes payloads of every source that eventfx reads. normalize reads
// what AWS gives to a Lambda function (a batch of a queue, a notification of a
// bucket, changes of a table, a tick of a schedule, with events nested in them)
// and prints the CloudEvents in it. invoke runs the binary that will be
// deployed against a Runtime API of its own, once, many times, or as the target
// of a queue's event source mapping.
//
// docs/command.md shows sessions. 'eventfx completion' makes completions for
// shells.
//
// The exit status is 0 when all went well, 1 when something could not be read
// or done, and 2 for wrong usage. Errors go to standard error.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Exit statuses.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// errFailed says that a command has reported its failures already.
var errFailed = errors.New("failed")

func main() {
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run runs the command and returns its exit status.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := newRoot()
	root.SetArgs(doubleDashes(root, args))
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	command, err := root.ExecuteC()
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errFailed):
		return exitFailed
	}
	// Whatever else comes back was found by cobra before a command ran.
	fmt.Fprintf(stderr, "eventfx: %v\nRun '%s --help' for usage.\n", err, command.CommandPath())
	return exitUsage
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:           "eventfx",
		Short:         "See events as programs written with eventfx see them",
		Args:          cobra.NoArgs,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE: func(*cobra.Command, []string) error {
			return errors.New("want a command")
		},
	}
	root.AddCommand(newNormalize(), newSample(), newInvoke())
	return root
}

// doubleDashes lets long flags have one dash, as Go's own commands do.
func doubleDashes(root *cobra.Command, args []string) []string {
	long := make(map[string]bool)
	var collect func(*cobra.Command)
	collect = func(c *cobra.Command) {
		c.LocalFlags().VisitAll(func(f *pflag.Flag) { long[f.Name] = true })
		for _, child := range c.Commands() {
			collect(child)
		}
	}
	collect(root)
	long["help"] = true
	out := make([]string, 0, len(args))
	for i, arg := range args {
		if arg == "--" {
			return append(out, args[i:]...)
		}
		name, one := strings.CutPrefix(arg, "-")
		name, _, _ = strings.Cut(name, "=")
		if one && len(name) > 1 && long[name] {
			arg = "-" + arg
		}
		out = append(out, arg)
	}
	return out
}
