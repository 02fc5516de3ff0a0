package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/spf13/pflag"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
	"github.com/eventfx/eventfx-go/adapters/memcloud/bootstrap"
)

// mappingFlags are the flags of invoke that say how the queue and its mapping
// are set up.
type mappingFlags struct {
	set        *pflag.FlagSet
	batch      int
	window     time.Duration
	visibility time.Duration
	receives   int
	report     bool
}

var mappingFlagNames = []string{"batch-size", "window", "visibility", "max-receives", "report-batch-item-failures", "mapping"}

func (m *mappingFlags) add(f *pflag.FlagSet) {
	m.set = f
	f.IntVar(&m.batch, "batch-size", 10, "most `messages` in one event")
	f.DurationVar(&m.window, "window", 0, "for how long messages are gathered for a batch")
	f.DurationVar(&m.visibility, "visibility", 0, "for how long a message is hidden when it was received (default: the function's timeout)")
	f.IntVar(&m.receives, "max-receives", 3, "how `often` a message is received before it is moved to the dead letters")
	f.BoolVar(&m.report, "report-batch-item-failures", false, "the mapping reads from the answer which messages failed")
}

// first returns a flag that is set, of those that are for a queue alone.
func (m *mappingFlags) first(f *pflag.FlagSet) string {
	for _, name := range mappingFlagNames {
		if f.Changed(name) {
			return name
		}
	}
	return ""
}

// settings are those of a queue, its mapping and its function: of a template,
// and of the flags.
type settings struct {
	from         string // the template; "" for none
	queue        string // name; "": as the payloads say
	function     string
	fifo         bool
	contentDedup bool
	visibility   time.Duration
	delay        time.Duration
	receives     int // 0: the queue has no dead letters
	batch        int
	window       time.Duration
	concurrency  int
	report       bool
	filters      []string
	timeout      time.Duration
}

// settings reads the template, if there is one, and puts the flags above it.
func (v *invoker) settings() (*settings, error) {
	s := &settings{}
	given := v.flags.set.Changed
	if v.mapping != "" {
		file, id := splitMapping(v.mapping)
		t, err := readTemplate(file)
		if err != nil {
			return nil, err
		}
		m, err := t.find(id)
		if err != nil {
			return nil, err
		}
		if s, err = (reader{t, given}).read(m); err != nil {
			return nil, err
		}
	}
	if given("timeout") || s.timeout == 0 {
		s.timeout = v.timeout
	}
	v.timeout = s.timeout
	if given("batch-size") {
		s.batch = v.flags.batch
	}
	if given("window") {
		s.window = v.flags.window
	}
	if given("report-batch-item-failures") {
		s.report = v.flags.report
	}
	if given("concurrency") {
		s.concurrency = v.concurrency
	}
	if given("visibility") || s.visibility == 0 {
		s.visibility = cmp.Or(v.flags.visibility, s.timeout)
	}
	if given("max-receives") || s.receives == 0 {
		if s.from != "" && !given("max-receives") {
			fmt.Fprintf(v.stderr, "eventfx: %s: the queue has no RedrivePolicy: on AWS a failing message comes back until it is too old, here it is dead after %d receives\n", s.from, v.flags.receives)
		}
		s.receives = v.flags.receives
	}
	return s, nil
}

// messagesOf returns what a payload sends: the records of a queue's, or itself.
func messagesOf(payload []byte) (messages []memcloud.Message, queue string) {
	var batch struct {
		Records []struct {
			Body           *string `json:"body"`
			EventSource    string  `json:"eventSource"`
			EventSourceARN string  `json:"eventSourceARN"`
			Attributes     struct {
				MessageGroupId, MessageDeduplicationId, AWSTraceHeader string
			} `json:"attributes"`
			MessageAttributes map[string]struct {
				StringValue string `json:"stringValue"`
				BinaryValue []byte `json:"binaryValue"`
				DataType    string `json:"dataType"`
			} `json:"messageAttributes"`
		}
	}
	if json.Unmarshal(payload, &batch) != nil || len(batch.Records) == 0 || batch.Records[0].EventSource != "aws:sqs" {
		return []memcloud.Message{{Body: string(payload)}}, ""
	}
	for _, r := range batch.Records {
		if r.Body == nil {
			return []memcloud.Message{{Body: string(payload)}}, ""
		}
		m := memcloud.Message{
			Body: *r.Body, Group: r.Attributes.MessageGroupId, DeduplicationID: r.Attributes.MessageDeduplicationId,
			TraceHeader: r.Attributes.AWSTraceHeader, Attributes: map[string]memcloud.Attribute{},
		}
		for name, a := range r.MessageAttributes {
			m.Attributes[name] = memcloud.Attribute{Type: a.DataType, Value: a.StringValue, Binary: a.BinaryValue}
		}
		messages = append(messages, m)
		queue = r.EventSourceARN[strings.LastIndexByte(r.EventSourceARN, ':')+1:]
	}
	return messages, queue
}

// A referee is told of what goes wrong in the cloud. It stands for a test.
type referee struct {
	mu   sync.Mutex
	errs []error
}

func (r *referee) Cleanup(func())      {}
func (r *referee) Helper()             {}
func (r *referee) Logf(string, ...any) {}
func (r *referee) Failed() bool        { return r.err() != nil }

func (r *referee) Errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.errs = append(r.errs, fmt.Errorf(format, args...))
}

func (r *referee) err() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return errors.Join(r.errs...)
}

// A game is a cloud with the queue and the function.
type game struct {
	cloud *memcloud.Cloud
	queue *memcloud.Queue
	names int // the width of the longest name
	sent  []memcloud.Message
}

// set sets up the cloud. What AWS would refuse to make is an error.
func (v *invoker) set(s *settings, referee *referee, log *prefixed) (g *game, err error) {
	defer func() {
		if p := recover(); p != nil {
			refusal, ok := p.(*memcloud.Error)
			if !ok {
				panic(p)
			}
			err = fmt.Errorf("AWS would refuse this mapping: %s", refusal.Message)
		}
	}()
	g = &game{}
	name := ""
	for _, payload := range v.payloads {
		messages, queue := messagesOf(payload)
		g.sent = append(g.sent, messages...)
		name = cmp.Or(name, queue)
	}
	name = cmp.Or(s.queue, name, "queue")
	fifo := s.fifo || s.from == "" && strings.HasSuffix(name, ".fifo")
	if name = strings.TrimSuffix(name, ".fifo"); fifo {
		name += ".fifo"
	}
	for i := range g.sent {
		if m := &g.sent[i]; fifo {
			m.Group = cmp.Or(m.Group, "group")
			if m.DeduplicationID == "" && !s.contentDedup {
				m.DeduplicationID = fmt.Sprint("payload-", i+1)
			}
		} else {
			m.DeduplicationID = ""
		}
	}
	function := cmp.Or(s.function, v.function.name)
	command := exec.Command(v.function.path)
	command.Env, command.Stdout, command.Stderr = v.function.environment(), log, log
	command.WaitDelay = time.Second

	cloud := memcloud.Open(&memcloud.Options{T: referee})
	defer func() {
		if err != nil {
			_ = cloud.Close() // nothing runs in it
		}
	}()
	g.cloud = cloud
	g.queue = g.cloud.Queue(name, &memcloud.QueueOptions{
		Visibility: s.visibility, Delay: s.delay, MaxReceives: s.receives, ContentBasedDeduplication: s.contentDedup && fifo,
	})
	g.names = max(len(name), len(g.queue.DeadLetterQueue().Name()), len(function))
	g.queue.SendBatch(g.sent...) // before somebody reads: what is there together comes together
	if err := referee.err(); err != nil {
		return nil, err
	}
	g.cloud.Function(function, bootstrap.New(g.cloud, command), &memcloud.FunctionOptions{Timeout: s.timeout}, memcloud.Trigger(g.queue, &memcloud.Mapping{
		BatchSize: s.batch, Window: s.window, ReportBatchItemFailures: s.report, MaximumConcurrency: s.concurrency, Filters: s.filters,
	}))
	return g, nil
}

// play sends the payloads through a queue until they are done or dead, and
// prints the timeline while it grows.
func (v *invoker) play(ctx context.Context, s *settings) error {
	log := v.log()
	referee := &referee{}
	g, err := v.set(s, referee, log)
	if err != nil {
		return err
	}
	settled := make(chan struct{})
	go func() {
		g.cloud.Settle()
		close(settled)
	}()
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	printed, over := 0, false
	for !over {
		select {
		case <-look.C:
		case <-settled:
			over = true
		case <-ctx.Done():
			over = true
		}
		if printed, err = v.steps(g, printed); err != nil {
			break
		}
	}
	err = errors.Join(err, g.cloud.Close())
	log.flush()
	if err != nil {
		return err
	}
	if err := referee.err(); err != nil {
		return err
	}
	return v.result(ctx, g)
}

// steps prints the steps from the first-th on, and returns how many there are.
func (v *invoker) steps(g *game, first int) (int, error) {
	steps := g.cloud.Steps()
	if v.format == formatJSON {
		return len(steps), nil
	}
	for _, step := range steps[first:] {
		action := fmt.Sprintf("%-9s", step.Action)
		switch step.Action {
		case "error", "LOST", "move":
			action = v.stdout.bad(action)
		case "delete":
			action = v.stdout.good(action)
		}
		at := time.Time{}.Add(step.At).Format("15:04:05.000")
		line := fmt.Sprintf("%s %-*s %s %-4s %s", v.stdout.dim(at), g.names, step.Resource, action, step.ID, step.Text)
		if _, err := fmt.Fprintln(v.stdout, strings.TrimRight(line, " ")); err != nil {
			return 0, fmt.Errorf("standard output: %w", err)
		}
	}
	return len(steps), nil
}

// A deadMessage is a message that was given up.
type deadMessage struct {
	ID       string `json:"messageId"`
	Body     string `json:"body"`
	Receives int    `json:"receives"`
}

// stepRecord is a line of the timeline, for programs.
type stepRecord struct {
	MS       int64  `json:"ms"`
	Resource string `json:"resource"`
	Action   string `json:"action"`
	ID       string `json:"id"`
	Text     string `json:"text,omitempty"`
}

// result says what became of the messages.
func (v *invoker) result(ctx context.Context, g *game) error {
	steps := g.cloud.Steps()
	counts := map[string]int{}
	for _, step := range steps {
		if step.Resource == g.queue.Name() {
			counts[step.Action]++
		}
	}
	dead := []deadMessage{}
	for _, m := range g.queue.DeadLetters() {
		dead = append(dead, deadMessage{m.ID, m.Body, m.Receives})
	}
	left := len(g.queue.Messages())
	good := len(dead) == 0 && counts["LOST"] == 0 && left == 0
	if v.format == formatJSON {
		timeline := make([]stepRecord, len(steps))
		for i, s := range steps {
			timeline[i] = stepRecord{s.At.Milliseconds(), s.Resource, s.Action, s.ID, s.Text}
		}
		line, err := marshal(struct {
			Sent     int           `json:"sent"`
			Done     int           `json:"done"`
			Filtered int           `json:"filtered"`
			Lost     int           `json:"lost"`
			Left     int           `json:"left"`
			Dead     []deadMessage `json:"dead"`
			Timeline []stepRecord  `json:"timeline"`
		}{len(g.sent), counts["delete"], counts["filter"], counts["LOST"], left, dead, timeline})
		if err == nil {
			_, err = v.stdout.Write(append(line, '\n'))
		}
		if err != nil {
			return fmt.Errorf("standard output: %w", err)
		}
	} else {
		words := []string{fmt.Sprintf("%d sent", len(g.sent)), v.stdout.good(fmt.Sprintf("%d done", counts["delete"]))}
		for _, w := range []struct {
			n    int
			text string
		}{{counts["filter"], "matched no filter"}, {counts["LOST"], "LOST: failed, and deleted"}, {len(dead), "dead"}, {left, "left in the queue"}} {
			if w.n > 0 {
				words = append(words, v.stdout.bad(fmt.Sprintf("%d %s", w.n, w.text)))
			}
		}
		if _, err := fmt.Fprintln(v.stdout, strings.Join(words, ", ")); err != nil {
			return fmt.Errorf("standard output: %w", err)
		}
	}
	if ctx.Err() != nil {
		return errors.New("stopped by you: the processes were ended")
	}
	if !good {
		return errFailed
	}
	return nil
}
