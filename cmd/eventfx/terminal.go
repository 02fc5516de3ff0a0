package main

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// Formats of the output, by -o.
const (
	formatText = "text"
	formatJSON = "json"
)

// A screen is one of a command's two outputs: a terminal, with somebody in
// front of it, or a file or another program.
type screen struct {
	io.Writer
	terminal bool
}

// newScreen looks at what w is.
func newScreen(w io.Writer) *screen {
	s := &screen{Writer: w}
	if f, ok := w.(*os.File); ok {
		s.terminal = term.IsTerminal(int(f.Fd()))
	}
	return s
}

// addOutput gives a command the flag -o. The function returns the format: by
// the flag, else text for a terminal and byDefault for anything else.
func addOutput(c *cobra.Command, byDefault string) func(stdout *screen) (string, error) {
	var format string
	c.Flags().StringVarP(&format, "output", "o", "", "output: text for people, or json for programs (default "+defaultText(byDefault)+")")
	_ = c.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]string{formatText, formatJSON}, cobra.ShellCompDirectiveNoFileComp))
	return func(stdout *screen) (string, error) {
		switch {
		case format == formatText || format == formatJSON:
			return format, nil
		case format != "":
			return "", fmt.Errorf("-o %s: want text or json", format)
		case stdout.terminal:
			return formatText, nil
		}
		return byDefault, nil
	}
}

func defaultText(byDefault string) string {
	if byDefault == formatText {
		return formatText
	}
	return "json, and text on a terminal"
}

// failed reports err, which is no wrong usage, and returns what ends the
// command with status 1.
func failed(c *cobra.Command, err error) error {
	fmt.Fprintf(c.ErrOrStderr(), "eventfx: %v\n", err)
	return errFailed
}
