package enginetest

import (
	"context"
	"fmt"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/eventfx/eventfx-go/adapters/awspayload"
	"github.com/eventfx/eventfx-go/adapters/memcloud"
)

// A Run is a script's run on one engine: what it needs to make things happen,
// and what it saw.
type Run struct {
	t      *testing.T
	engine engine
	prefix string // of the names of its resources
	ctx    context.Context
	seen   []observation

	// names has the stable name of each id and receipt that was seen, by the
	// order in which they came.
	names map[string]string
}

// An observation is what a script saw at one step.
type observation struct{ step, seen string }

// See notes an observation. An error is noted by its code.
func (r *Run) See(step string, seen any) {
	text := fmt.Sprint(seen)
	if err, ok := seen.(error); ok {
		text = codeOf(err)
	} else if seen == nil {
		text = codeOf(nil)
	}
	r.seen = append(r.seen, observation{step, r.stable(text)})
}

// Want is See for what must be so on each engine.
func (r *Run) Want(step string, seen any, want string) {
	r.t.Helper()
	r.See(step, seen)
	if got := r.seen[len(r.seen)-1].seen; got != want {
		r.t.Errorf("%T: %s: %s, want %s", r.engine, step, got, want)
	}
}

// SeeCode notes gocloud's code of an error.
func (r *Run) SeeCode(step string, err error) { r.See(step, portableCode(err)) }

// stable puts names in place of ids, and takes the script's name off those of
// resources.
func (r *Run) stable(text string) string {
	for id, name := range r.names {
		text = strings.ReplaceAll(text, id, name)
	}
	return strings.ReplaceAll(text, r.prefix, "")
}

// Name gives an id a name for all observations to come.
func (r *Run) Name(id, name string) {
	if id != "" {
		r.names[id] = name
	}
}

// Must ends the test for an error that no script expects.
func (r *Run) Must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatalf("on %T: %v", r.engine, err)
	}
}

// short is for how long things are hidden: long enough to see that they are
// on a busy machine.
const short = 2 * time.Second

// Sleep lets d pass, and some more.
func (r *Run) Sleep(d time.Duration) { time.Sleep(d + 300*time.Millisecond) }

func (r *Run) name(name string) string { return r.prefix + name }

// Queue makes a queue.
func (r *Run) Queue(name string, o *memcloud.QueueOptions) Queue {
	r.t.Helper()
	q, err := r.engine.queue(r.name(name), o)
	r.Must(err)
	return q
}

// Topic makes a topic.
func (r *Run) Topic(name string) Topic {
	r.t.Helper()
	t, err := r.engine.topic(r.name(name))
	r.Must(err)
	return t
}

// Bucket makes a bucket.
func (r *Run) Bucket(name string, o *memcloud.BucketOptions) Bucket {
	r.t.Helper()
	b, err := r.engine.bucket(r.name(name), o)
	r.Must(err)
	return b
}

// Table makes a table.
func (r *Run) Table(name string, o *memcloud.TableOptions) Table {
	r.t.Helper()
	t, err := r.engine.table(r.name(name), o)
	r.Must(err)
	return t
}

// Send sends a message for each body.
func (r *Run) Send(q Queue, bodies ...string) {
	r.t.Helper()
	for _, body := range bodies {
		r.SendMessage(q, memcloud.Message{Body: body})
	}
}

// SendMessage sends a message, and names its id after its body.
func (r *Run) SendMessage(q Queue, m memcloud.Message) string {
	r.t.Helper()
	id, err := q.SendMessage(r.ctx, m)
	r.Must(err)
	if r.names[id] == "" {
		r.Name(id, "id-of-"+m.Body)
	}
	return id
}

// Received is what a receive gave: as text, the bodies with their receive
// counts.
type Received []memcloud.Message

func (received Received) String() string {
	if len(received) == 0 {
		return "nothing"
	}
	var list []string
	for _, m := range received {
		list = append(list, fmt.Sprintf("%s(%d)", m.Body, m.Receives))
	}
	return strings.Join(list, " ")
}

// Receive receives up to limit messages, and does not wait.
func (r *Run) Receive(q Queue, limit int) Received { return r.ReceiveWait(q, limit, 0) }

// ReceiveWait receives up to limit messages; it waits for the first.
func (r *Run) ReceiveWait(q Queue, limit int, wait time.Duration) Received {
	r.t.Helper()
	messages, err := q.ReceiveMessage(r.ctx, limit, wait)
	r.Must(err)
	return messages
}

// One receives the message that must be there by now.
func (r *Run) One(q Queue) memcloud.Message {
	r.t.Helper()
	for _, m := range r.ReceiveWait(q, 1, time.Second) {
		return m
	}
	return memcloud.Message{Body: "NOTHING", Receipt: "none"} // what follows will differ
}

// Count returns how many messages the queue has, visible or not.
func (r *Run) Count(q Queue) int {
	r.t.Helper()
	n, err := q.Count(r.ctx)
	r.Must(err)
	return n
}

// Item writes an item as DynamoDB does, its names in order.
func Item(item memcloud.Item) string {
	if item == nil {
		return "none"
	}
	return string(awspayload.AppendItem(nil, item))
}

// Attributes writes a message's attributes in the order of their names.
func Attributes(attributes map[string]memcloud.Attribute) string {
	var list []string
	for name, a := range attributes {
		list = append(list, fmt.Sprintf("%s=%s:%s%x", name, a.Type, a.Value, a.Binary))
	}
	sort.Strings(list)
	return strings.Join(list, " ")
}
