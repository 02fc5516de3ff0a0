package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/eventfx/eventfx-go/internal/runtimeapi"
)

func newInvoke() *cobra.Command {
	var v invoker
	var queue bool
	c := &cobra.Command{
		Use:   "invoke [-bootstrap FILE | -package PATH] [PAYLOAD...]",
		Short: "Run a compiled Lambda function on this machine",
		Long: `Run a compiled Lambda function on this machine, as Lambda runs it: the real
binary, in a process of its own, gets each PAYLOAD from a Runtime API, with a
request id, a deadline and a trace header. A PAYLOAD is a file; - or none is
standard input. The first event meets a cold start, the others a warm process.

-bootstrap names the executable, -package a package that is built for it, by
go build; without either it is the package in this folder. The function gets
this shell's environment, what Lambda sets, and -env. It can reach whatever this
machine can: mind which account's keys are in your environment.

Standard output gets what the caller of the function would get: its answer, or
the error. Standard error gets the function's log, each line behind "| ", and
in words how it ended, how long it took and how much memory it had. A function
that outstays its timeout is asked for its stacks before it is killed, so that
the report can say where it stood. The exit status is 1 if a call failed.

-repeat N calls N times, with the payloads in turn, and prints a table of
latencies instead; -concurrency N has as many processes at once.

-queue plays an event source mapping: each payload is sent to a queue in memory,
and what the function leaves comes back after the visibility timeout, in real
time, until it is done or dead. A payload of a queue is sent record by record,
any other is the body of one message. The timeline goes to standard output, and
the exit status is 1 unless every message is done. -mapping reads the settings
from a SAM or CloudFormation template; flags stand above it.`,
		Example: `  eventfx invoke -package ./ship order.json
  eventfx sample s3 | eventfx invoke -bootstrap build/thumb/bootstrap -timeout 10s -memory 256
  eventfx invoke -package ./ship -repeat 1000 -concurrency 4 order.json
  eventfx invoke -package ./ship -queue -report-batch-item-failures -max-receives 3 orders.json
  eventfx invoke -package ./ship -mapping 'template.yaml#Ship' orders.json`,
		RunE: func(c *cobra.Command, files []string) error {
			v.queue = queue || v.mapping != ""
			if err := v.check(c); err != nil {
				return err
			}
			stdout := newScreen(c.OutOrStdout())
			var err error
			if v.format, err = v.output(stdout); err != nil {
				return err
			}
			v.stdout, v.stderr = stdout, newScreen(c.ErrOrStderr())
			if len(files) == 0 {
				files = []string{"-"}
			}
			for _, file := range files {
				payload, err := readFile(file, c.InOrStdin())
				if err == nil && !v.queue && !json.Valid(payload) {
					err = errors.New("is not JSON, which a payload of Lambda is")
				}
				if err != nil {
					return failed(c, fmt.Errorf("%s: %w", fileName(file), err))
				}
				v.payloads = append(v.payloads, payload)
			}
			ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			if err := v.run(ctx); err != nil {
				if errors.Is(err, errFailed) {
					return err
				}
				return failed(c, err)
			}
			return nil
		},
	}
	f := c.Flags()
	f.StringVar(&v.bootstrap, "bootstrap", "", "executable `file` of the function")
	f.StringVar(&v.pkg, "package", "", "`path` of the function's Go package, to be built (default: .)")
	f.StringArrayVar(&v.env, "env", nil, "environment variable `NAME=VALUE`; may be given several times")
	f.DurationVar(&v.timeout, "timeout", 3*time.Second, "the function's timeout")
	f.Int64Var(&v.memory, "memory", 0, "the function's memory in `MB`: a process that has more is killed (default: no limit)")
	f.StringVar(&v.requestID, "request-id", "", "request `id` (default: a new one for each call)")
	f.StringVar(&v.trace, "trace", "", "X-Ray trace `header` (default: a new one, not sampled)")
	f.IntVar(&v.repeat, "repeat", 0, "how many calls to measure")
	f.IntVar(&v.concurrency, "concurrency", 1, "how many processes at once, with -repeat or -queue")
	f.BoolVar(&v.stacks, "stacks", false, "show all stacks of a function that outstayed its timeout")
	f.BoolVar(&queue, "queue", false, "send the payloads through a queue and its mapping")
	f.StringVar(&v.mapping, "mapping", "", "`TEMPLATE#ID`: play the mapping of a queue that a template of SAM or CloudFormation has")
	v.flags.add(f)
	_ = c.RegisterFlagCompletionFunc("mapping", func(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
		return completeMapping(typed), cobra.ShellCompDirectiveDefault
	})
	v.output = addOutput(c, formatText)
	c.MarkFlagsMutuallyExclusive("bootstrap", "package")
	c.MarkFlagsMutuallyExclusive("repeat", "queue")
	c.MarkFlagsMutuallyExclusive("repeat", "mapping")
	_ = c.MarkFlagFilename("bootstrap")
	_ = c.MarkFlagDirname("package")
	return c
}

// An invoker is what the flags of invoke say, and what it works with.
type invoker struct {
	bootstrap, pkg, mapping string
	env                     []string
	timeout                 time.Duration
	memory                  int64 // MB
	requestID, trace        string
	repeat, concurrency     int
	queue, stacks           bool
	flags                   mappingFlags
	output                  func(*screen) (string, error)

	format         string
	stdout, stderr *screen
	payloads       [][]byte
	function       *function
}

// check looks for flags that are wrong, or say nothing here.
func (v *invoker) check(c *cobra.Command) error {
	changed := c.Flags().Changed
	switch {
	case v.timeout <= 0 || v.timeout > 15*time.Minute:
		return fmt.Errorf("-timeout %v: want more than 0, and at most 15m", v.timeout)
	case v.memory < 0 || changed("memory") && (v.memory < 128 || v.memory > 10240):
		return fmt.Errorf("-memory %d: want 128 to 10240", v.memory)
	case changed("memory") && !limitsMemory:
		return errors.New("-memory: this system does not tell the memory of a process, so that none can be limited")
	case changed("repeat") && v.repeat < 1:
		return fmt.Errorf("-repeat %d: want 1 or more", v.repeat)
	case v.concurrency < 1 || v.concurrency > 1000:
		return fmt.Errorf("-concurrency %d: want 1 to 1000", v.concurrency)
	case changed("concurrency") && v.repeat == 0 && !v.queue:
		return errors.New("-concurrency: only with -repeat or -queue")
	case v.requestID != "" && (v.repeat > 0 || v.queue):
		return errors.New("-request-id: not with -repeat or -queue, where each call has its own")
	case v.trace != "" && v.queue:
		return errors.New("-trace: not with -queue, where each call has its own")
	case v.queue && v.flags.receives < 1:
		return fmt.Errorf("-max-receives %d: want 1 or more, or a failing message would come back for ever", v.flags.receives)
	case v.memory > 0 && v.queue:
		return errors.New("-memory: not with -queue, which limits none")
	}
	if !v.queue {
		if flag := v.flags.first(c.Flags()); flag != "" {
			return fmt.Errorf("-%s: only with -queue or -mapping", flag)
		}
	}
	return checkEnv(v.env)
}

func fileName(file string) string {
	if file == "-" {
		return "standard input"
	}
	return file
}

func (v *invoker) run(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "eventfx-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	pkg := v.pkg
	if pkg == "" && v.bootstrap == "" {
		pkg = "."
	}
	var settings *settings
	if v.queue { // before it is built: a template may be wrong
		if settings, err = v.settings(); err != nil {
			return err
		}
	}
	if v.function, err = findFunction(ctx, v.bootstrap, pkg, dir); err != nil {
		return err
	}
	v.function.env, v.function.timeout, v.function.memory = v.env, v.timeout, v.memory<<20
	switch {
	case v.queue:
		return v.play(ctx, settings)
	case v.repeat > 0:
		return v.measure(ctx)
	}
	return v.each(ctx)
}

// each calls the function once for each payload, in one process while it
// lives.
func (v *invoker) each(ctx context.Context) error {
	log := v.log()
	var e *environment
	good := true
	for i := 0; i < len(v.payloads) && ctx.Err() == nil; i++ {
		if e == nil {
			var err error
			var to io.Writer = log
			if v.format == formatJSON {
				to = nil // it is in the output
			}
			if e, err = v.function.start(to); err != nil {
				return fmt.Errorf("%s: %s", v.function.path, v.function.cannotStart(err))
			}
		}
		o := e.invoke(ctx, call{v.requestID, v.trace, v.payloads[i]})
		if o.untaken && ctx.Err() == nil {
			e.stop()
			e = nil
			i--
			continue
		}
		last := i == len(v.payloads)-1 || ctx.Err() != nil
		var end *runtimeapi.End
		if o.gone || last {
			s := e.stop()
			o.logs = e.logs.since() // with what it said at its end
			if !o.gone {
				end = &s
			}
			e = nil
		}
		log.flush()
		good = good && o.fault == nil
		if err := v.report(o, end); err != nil {
			return fmt.Errorf("standard output: %w", err)
		}
	}
	if !good || ctx.Err() != nil {
		return errFailed
	}
	return nil
}

// log is where a function's log is shown.
func (v *invoker) log() *prefixed {
	return &prefixed{to: v.stderr, prefix: v.stderr.dim("| "), stacks: v.stacks}
}

// report prints the answer, and in words what happened.
func (v *invoker) report(o *outcome, end *runtimeapi.End) error {
	if v.format == formatJSON {
		line, err := marshal(o.record(v.function))
		if err != nil {
			return err
		}
		_, err = v.stdout.Write(append(line, '\n'))
		return err
	}
	answer := o.document()
	if v.stdout.terminal && json.Valid(answer) {
		var pretty bytes.Buffer
		if json.Indent(&pretty, answer, "", "  ") == nil {
			answer = pretty.Bytes()
		}
	}
	if len(answer) > 0 && answer[len(answer)-1] != '\n' {
		answer = append(answer, '\n')
	}
	if _, err := v.stdout.Write(answer); err != nil {
		return err
	}
	return v.words(o, end)
}

// words writes the report on standard error.
func (v *invoker) words(o *outcome, end *runtimeapi.End) error {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	request := o.id
	switch {
	case o.cold && o.init > 0:
		request += ", a cold start of " + duration(o.init)
	case o.cold:
		request += ", a cold start"
	default:
		request += ", warm"
	}
	paint := v.stderr.good
	if o.fault != nil {
		paint = v.stderr.bad
	}
	fmt.Fprintf(w, "request\t%s\n", request)
	for i, line := range wrap(o.ending.What) {
		fmt.Fprintf(w, "%s\t%s\n", []string{"outcome", ""}[min(i, 1)], paint(line))
	}
	if o.ending.At != "" {
		fmt.Fprintf(w, "at\t%s\n", v.stderr.bold(o.ending.At))
	}
	for i, line := range wrap(o.ending.Meaning) {
		fmt.Fprintf(w, "%s\t%s\n", []string{"meaning", ""}[min(i, 1)], line)
	}
	if o.took > 0 {
		fmt.Fprintf(w, "time\t%s of %v\n", duration(o.took), v.function.timeout)
	}
	if o.peak > 0 {
		limit := ""
		if v.function.memory > 0 {
			limit = fmt.Sprintf(" of %d MB", v.function.memory>>20)
		}
		fmt.Fprintf(w, "memory\t%d MB at most%s\n", (o.peak+1<<20-1)>>20, limit)
	}
	if end != nil && end.Asked {
		shutdown := "ended " + duration(end.Took) + " after SIGTERM"
		if end.Killed {
			shutdown = "killed " + duration(end.Took) + " after SIGTERM, which did not end it"
		}
		fmt.Fprintf(w, "shutdown\t%s\n", shutdown)
	}
	_ = w.Flush() // a builder takes everything
	_, err := io.WriteString(v.stderr, b.String())
	return err
}

// wrap breaks a text into lines that can be read beside their name.
func wrap(text string) (lines []string) {
	const width = 90
	for _, word := range strings.Fields(text) {
		last := len(lines) - 1
		if last < 0 || utf8.RuneCountInString(lines[last])+1+utf8.RuneCountInString(word) > width {
			lines = append(lines, word)
			continue
		}
		lines[last] += " " + word
	}
	return lines
}

// document is what the caller of the function gets.
func (o *outcome) document() []byte {
	if o.fault == nil {
		return o.answer
	}
	text, err := marshal(o.fault)
	if err != nil { // its stack is no JSON
		text, _ = marshal(runtimeapi.Failure{Type: o.fault.Type, Message: o.fault.Message})
	}
	return text
}

// A record is an outcome for programs.
type callRecord struct {
	RequestID string          `json:"requestId"`
	TraceID   string          `json:"traceId"`
	Outcome   string          `json:"outcome"`
	Answer    json.RawMessage `json:"answer,omitempty"`
	Text      string          `json:"answerText,omitempty"` // one that is not JSON
	Error     json.RawMessage `json:"error,omitempty"`
	What      string          `json:"what"`
	At        string          `json:"at,omitempty"`
	Meaning   string          `json:"meaning,omitempty"`
	Cold      bool            `json:"coldStart"`
	InitMS    float64         `json:"initMs,omitempty"`
	MS        float64         `json:"ms"`
	TimeoutMS float64         `json:"timeoutMs"`
	Peak      int64           `json:"peakMemoryBytes,omitempty"`
	Log       string          `json:"log"`
}

func (o *outcome) record(f *function) callRecord {
	r := callRecord{
		RequestID: o.id, TraceID: o.trace, Outcome: o.ending.Kind, What: o.ending.What, At: o.ending.At, Meaning: o.ending.Meaning,
		Cold: o.cold, InitMS: milliseconds(o.init), MS: milliseconds(o.took), TimeoutMS: milliseconds(f.timeout), Peak: o.peak, Log: string(o.logs),
	}
	switch {
	case o.fault != nil:
		r.Error = o.document()
	case json.Valid(o.answer):
		r.Answer = o.answer
	default:
		r.Text = string(o.answer)
	}
	return r
}

func milliseconds(d time.Duration) float64 {
	return float64(d.Round(time.Microsecond)) / float64(time.Millisecond)
}

// duration formats three digits or so.
func duration(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return fmt.Sprintf("%.2f ms", milliseconds(d))
	case d < 10*time.Millisecond:
		return fmt.Sprintf("%.1f ms", milliseconds(d))
	case d < 10*time.Second:
		return fmt.Sprintf("%.0f ms", milliseconds(d))
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}
