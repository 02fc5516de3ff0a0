package main

import (
	"fmt"
	"io"
	"os"

	"github.com/fatih/color"
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
	colour   bool
}

// newScreen looks at what w is. NO_COLOR, whatever its value, and TERM=dumb
// keep colours out, see no-color.org.
func newScreen(w io.Writer) *screen {
	s := &screen{Writer: w}
	if f, ok := w.(*os.File); ok {
		s.terminal = term.IsTerminal(int(f.Fd()))
	}
	s.colour = s.terminal && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	return s
}

// paint returns the text in colours, where they may be.
func (s *screen) paint(text string, attributes ...color.Attribute) string {
	c := color.New(attributes...)
	if s.colour {
		c.EnableColor()
	} else {
		c.DisableColor()
	}
	return c.Sprint(text)
}

func (s *screen) good(text string) string { return s.paint(text, color.FgGreen) }
func (s *screen) bad(text string) string  { return s.paint(text, color.FgRed, color.Bold) }
func (s *screen) dim(text string) string  { return s.paint(text, color.Faint) }
func (s *screen) bold(text string) string { return s.paint(text, color.Bold) }

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
