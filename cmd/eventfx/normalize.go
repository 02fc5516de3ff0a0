package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/eventfx/eventfx-go/adapters/awsevents"
	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/handlers"
	"github.com/eventfx/eventfx-go/internal/cloudevent"
)

func newNormalize() *cobra.Command {
	var deliveries bool
	var conditions []string
	var output func(*screen) (string, error)
	c := &cobra.Command{
		Use:   "normalize [FILE...]",
		Short: "Print the CloudEvents in payloads of AWS Lambda",
		Long: `Print the CloudEvents in payloads of AWS Lambda, as one JSON batch
(application/cloudevents-batch+json) on standard output, an event a line; on a
terminal, or with -o text, for people to read.

Each FILE is one payload, as a function gets it; - or no FILE is standard
input. Events inside messages of a queue or a topic are taken out, up to four
levels deep.

With -deliveries the output is a JSON list of the records instead: a record's
identifier, how often it was received, its ordering group, the answer that
would hand it, and what follows in its group, back to its source if a handler
failed, and its events. A message that carries a test event of S3 has none, and
cannot fail: it is acknowledged.

-select prints only the events that fulfil a condition on their attributes: a
filter of the CloudEvents Subscriptions API in JSON, with the dialects exact,
prefix, suffix, all, any and not, one or a list of them; @FILE with such JSON;
or in short NAME=VALUE, NAME^=PREFIX, NAME$=SUFFIX or NAME!=VALUE. Given several
times, all must be fulfilled. What cannot be read has no attributes, and is an
error as ever.

A payload is what Lambda hands to a function. What an API of AWS answers to a
caller is none: such a document is one event of com.amazonaws.lambda.invocation,
unless it resembles a payload enough to be read as one.

What cannot be read is an error of one line each on standard error, and the
exit status is 1; what can be read is printed all the same.`,
		Example: `  eventfx normalize event.json
  eventfx normalize -select 'type^=com.amazonaws.s3.' -select 'subject$=.jpg' *.json
  eventfx normalize -select '{"any":[{"exact":{"type":"order.placed"}},{"prefix":{"source":"/till"}}]}' event.json
  aws s3 cp s3://captured/event.json - | eventfx normalize -deliveries`,
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return []string{"json"}, cobra.ShellCompDirectiveFilterFileExt
		},
		RunE: func(c *cobra.Command, files []string) error {
			n := &normalizer{deliveries: deliveries, stderr: c.ErrOrStderr()}
			var err error
			if n.filters, err = parseSelect(conditions); err != nil {
				if _, ok := errors.AsType[syscall.Errno](err); ok {
					return failed(c, err) // a file of filters
				}
				return err
			}
			stdout := newScreen(c.OutOrStdout())
			if n.format, err = output(stdout); err != nil {
				return err
			}
			return n.run(files, c.InOrStdin(), stdout)
		},
	}
	c.Flags().StringArrayVar(&conditions, "select", nil, "print only events that fulfil the `filter`; may be given several times")
	output = addOutput(c, formatJSON)
	c.Flags().BoolVar(&deliveries, "deliveries", false, "print the records: identifier, receives, group, answer if it failed, events")
	return c
}

// A normalizer collects the lines of the output and reports what fails.
type normalizer struct {
	deliveries bool
	filters    []handlers.Filter
	format     string // formatText, or anything else for JSON
	stderr     io.Writer
	lines      [][]byte
	printed    []delivery
	opened     bool // at least one payload was
	failed     bool
}

func (n *normalizer) run(files []string, stdin io.Reader, stdout io.Writer) error {
	if len(files) == 0 {
		files = []string{"-"}
	}
	for _, file := range files {
		n.file(file, stdin)
	}
	// An empty list would claim that a payload without events was read.
	if n.opened {
		var err error
		if out, ok := stdout.(*screen); ok && n.format == formatText {
			err = n.text(out, len(files) > 1)
		} else {
			err = n.write(stdout)
		}
		if err != nil {
			fmt.Fprintf(n.stderr, "eventfx: standard output: %v\n", err)
			n.failed = true
		}
	}
	if n.failed {
		return errFailed
	}
	return nil
}

func (n *normalizer) report(file string, err error) {
	n.failed = true
	fmt.Fprintf(n.stderr, "eventfx: %s: %v\n", fileName(file), err)
}

func (n *normalizer) file(file string, stdin io.Reader) {
	payload, err := readFile(file, stdin)
	if err != nil {
		n.report(file, err)
		return
	}
	var format awsevents.Format
	p, err := format.Open(payload, "")
	if err != nil {
		n.report(file, err)
		return
	}
	n.opened = true
	for _, r := range records(p) {
		if len(r.messages) == 0 && !n.deliveries {
			continue
		}
		line, err := n.record(file, p, r)
		if err != nil {
			n.report(file, err)
			continue
		}
		n.lines = append(n.lines, line...)
	}
}

func readFile(file string, stdin io.Reader) ([]byte, error) {
	if file == "-" {
		return io.ReadAll(stdin)
	}
	payload, err := os.ReadFile(file)
	if err != nil {
		return nil, withoutPath(err)
	}
	return payload, nil
}

// A record is one of a payload's, with its messages: several, where it is a
// message of a queue with several events in it; none, where it has nothing to
// handle.
type record struct {
	origin   eventfx.Origin
	group    string
	messages []*eventfx.Message
}

// records returns all records of a payload, in its order.
func records(p *awsevents.Payload) []*record {
	// By index, not by identifier: a queue may deliver a message twice in a batch.
	byIndex := make(map[int]*record)
	for _, a := range p.Acknowledged {
		byIndex[a.Record] = &record{origin: a.Origin, group: a.Group}
	}
	for _, m := range p.Messages {
		index := p.Record(m)
		if byIndex[index] == nil {
			byIndex[index] = &record{origin: m.Origin, group: m.Group}
		}
		byIndex[index].messages = append(byIndex[index].messages, m)
	}
	all := make([]*record, 0, len(byIndex))
	for _, index := range slices.Sorted(maps.Keys(byIndex)) {
		all = append(all, byIndex[index])
	}
	return all
}

// A delivery is what -deliveries prints of a record.
type delivery struct {
	file       string
	Identifier string            `json:"identifier"`
	From       string            `json:"from,omitempty"`
	Receives   int               `json:"receives,omitempty"`
	Group      string            `json:"group,omitempty"`
	IfFailed   any               `json:"answerIfFailed"`
	Error      string            `json:"error,omitempty"`
	Events     []json.RawMessage `json:"events"`
}

// record returns the lines for one record.
func (n *normalizer) record(file string, p *awsevents.Payload, r *record) ([][]byte, error) {
	d := delivery{
		file:       file,
		Identifier: r.origin.ID,
		From:       r.origin.Address,
		Receives:   r.origin.Receives,
		Group:      r.group,
		Events:     []json.RawMessage{},
	}
	for _, m := range r.messages {
		if m.Err != nil {
			n.report(file, m.Err)
			d.Error = m.Err.Error()
			continue
		}
		if !selects(n.filters, m) {
			continue
		}
		text, err := cloudevent.Append(nil, m.Event)
		if err != nil {
			return nil, fmt.Errorf("event %s of type %s: %w", m.ID(), m.Type(), err)
		}
		// Data keeps the line ends that it came with, and a line is an event.
		var line bytes.Buffer
		if err := json.Compact(&line, text); err != nil {
			return nil, fmt.Errorf("event %s of type %s: %w", m.ID(), m.Type(), err)
		}
		d.Events = append(d.Events, line.Bytes())
	}
	if len(n.filters) > 0 && len(d.Events) == 0 && d.Error == "" {
		return nil, nil
	}
	if n.deliveries {
		d.IfFailed = ifFailed(p, r)
	}
	n.printed = append(n.printed, d)
	if !n.deliveries {
		var lines [][]byte
		for _, e := range d.Events {
			lines = append(lines, e)
		}
		return lines, nil
	}
	line, err := marshal(d)
	return [][]byte{line}, err
}

// ifFailed is the answer to a payload of which one record failed, or a word
// where the source has none for single records. What follows in the record's
// group is not handled then, and failed with it.
func ifFailed(p *awsevents.Payload, r *record) any {
	const whole = "the invocation fails"
	switch {
	case len(r.messages) == 0:
		return "nothing to handle"
	case !p.Partial:
		return whole
	}
	var failures []eventfx.Failure
	later := false
	for _, m := range p.Messages {
		own := slices.Contains(r.messages, m)
		later = later || own
		if own || later && r.group != "" && m.Group == r.group {
			failures = append(failures, eventfx.Failure{Message: m, Err: errors.New("failed")})
		}
	}
	answer, err := p.Answer(failures)
	if err != nil {
		return whole
	}
	return json.RawMessage(answer)
}

// marshal is json.Marshal without the escapes that make JSON safe in HTML.
func marshal(v any) ([]byte, error) {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}

// text prints what was found for people, with a file's name above its events
// where there are several files.
func (n *normalizer) text(stdout *screen, several bool) error {
	file, events := "", 0
	for _, d := range n.printed {
		if several && d.file != file && (len(d.Events) > 0 || n.deliveries) {
			file = d.file
			fmt.Fprintf(stdout, "%s\n", stdout.dim("# "+fileName(file)))
		}
		if n.deliveries {
			if err := d.text(stdout); err != nil {
				return err
			}
		}
		for _, e := range d.Events {
			events++
			if err := stdout.pretty(e); err != nil {
				return err
			}
		}
	}
	_, err := fmt.Fprintln(stdout, stdout.dim(counted(events, "event")))
	return err
}

// text prints what is said of the record itself.
func (d *delivery) text(stdout *screen) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", stdout.good("record "+d.Identifier))
	field := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "  %s %s\n", stdout.dim(fmt.Sprintf("%-15s", name)), value)
		}
	}
	field("from", d.From)
	if d.Receives > 0 {
		field("received", counted(d.Receives, "time"))
	}
	field("group", d.Group)
	switch answer := d.IfFailed.(type) {
	case json.RawMessage:
		field("if it fails", string(answer))
	case string:
		field("if it fails", answer)
	}
	field("error", stdout.bad(d.Error))
	_, err := io.WriteString(stdout, b.String())
	return err
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// write prints the lines as one JSON list.
func (n *normalizer) write(stdout io.Writer) error {
	w := bufio.NewWriter(stdout)
	w.WriteByte('[')
	for i, line := range n.lines {
		if i > 0 {
			w.WriteByte(',')
		}
		w.WriteByte('\n')
		w.Write(line)
	}
	if len(n.lines) > 0 {
		w.WriteByte('\n')
	}
	w.WriteString("]\n")
	return w.Flush()
}
