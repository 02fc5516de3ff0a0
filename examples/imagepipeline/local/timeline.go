package local

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/examples/imagepipeline/routes"
)

// A timeline collects what happens, a line for each hop. It learns of it in
// three ways: as the router's observer, as the handlers' logger, and by what
// the program tells it.
type timeline struct {
	start time.Time

	mu    sync.Mutex
	lines []*line
	ids   map[string]string // short ids, by key of the picture
	known map[string]*story // by the event's source and id
}

// A story is what is known of an event.
type story struct {
	id    string // the short one
	tries int
	done  bool
}

// A line is one hop.
type line struct {
	at      time.Duration
	id      string // "p1", a picture; "o1", an order
	hop     string
	what    string
	outcome string
}

func newTimeline() *timeline {
	return &timeline{start: time.Now(), ids: map[string]string{}, known: map[string]*story{}}
}

// begin sets the time to 0.
func (t *timeline) begin() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.start = time.Now()
}

// name gives the picture a short id.
func (t *timeline) name(key, id string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ids[key] = id
}

// picture returns the short id of a picture.
func (t *timeline) picture(key string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.ids[key]
}

func (t *timeline) add(id, hop, what, outcome string) *line {
	t.mu.Lock()
	defer t.mu.Unlock()
	l := &line{at: time.Since(t.start), id: id, hop: hop, what: what, outcome: outcome}
	t.lines = append(t.lines, l)
	return l
}

// change changes a line that was added before.
func (t *timeline) change(f func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	f()
}

// order is that of the hops of one picture or one order.
var order = []string{"upload", "order", "thumbnail", "publish", "notify", "print", "give back", "give up"}

// hops are the names of the routes. One that is missing does not show.
var hops = map[string]string{
	routes.Pictures.String(): "thumbnail",
	routes.NewRows.String():  "notify",
	routes.Orders.String():   "print",
}

// observer shows each attempt, and what became of a message that failed.
func (t *timeline) observer() eventfx.Observer {
	return eventfx.Observer{
		Attempt: func(ctx context.Context, d *eventfx.Delivery) (context.Context, func(error, time.Duration)) {
			hop, shown := hops[d.Route]
			if !shown {
				return ctx, nil
			}
			s := t.storyOf(d.Messages[0])
			l := t.attempt(s, hop)
			return context.WithValue(ctx, lineKey{}, l), func(err error, retryIn time.Duration) {
				t.change(func() {
					s.done = err == nil
					l.end(err)
				})
			}
		},
		Message: func(ctx context.Context, route string, m *eventfx.Message) (context.Context, func(error, *eventfx.Dead)) {
			return ctx, func(err error, dead *eventfx.Dead) { t.ended(route, m, err, dead) }
		},
	}
}

type lineKey struct{}

func (t *timeline) attempt(s *story, hop string) *line {
	l := t.add(s.id, hop, "", "")
	t.change(func() {
		s.tries++
		l.what = fmt.Sprintf("try %d", s.tries)
		if s.done {
			l.what = "delivered again"
		}
	})
	return l
}

const failed = "failed: "

func (l *line) end(err error) {
	switch {
	case err != nil:
		l.outcome = failed + err.Error()
	case l.outcome == "":
		l.outcome = "done"
	}
}

func (t *timeline) ended(route string, m *eventfx.Message, err error, dead *eventfx.Dead) {
	if err == nil {
		return
	}
	s := t.storyOf(m)
	if dead != nil {
		t.add(s.id, "give up", "after "+count(s.tries)+": "+dead.Reason, "in queue "+deadLetters)
		return
	}
	t.add(s.id, "give back", "after "+count(s.tries), "in queue "+m.Origin.Name)
}

// storyOf returns what is known of the event, and begins it with the first
// message that brings it.
func (t *timeline) storyOf(m *eventfx.Message) *story {
	t.mu.Lock()
	defer t.mu.Unlock()
	key := m.Source() + " " + m.ID()
	s := t.known[key]
	if s == nil {
		s = &story{id: m.Origin.Attributes[orderAttribute]}
		if s.id == "" {
			s.id = t.ids[pictureOf(m)]
		}
		t.known[key] = s
	}
	return s
}

// pictureOf returns the key of the picture that a message is about.
func pictureOf(m *eventfx.Message) string {
	var row struct {
		Key struct{ S string } `json:"key"`
	}
	if json.Unmarshal([]byte(m.Subject()), &row) == nil {
		return row.Key.S // the subject of a change in a table is the row's key
	}
	return m.Subject()
}

// The handlers' log adds to the line of the attempt that it comes from.

var _ slog.Handler = (*timeline)(nil)

// Enabled implements slog.Handler.
func (t *timeline) Enabled(context.Context, slog.Level) bool { return true }

// Handle implements slog.Handler.
func (t *timeline) Handle(ctx context.Context, r slog.Record) error {
	l, ok := ctx.Value(lineKey{}).(*line)
	if !ok {
		return errors.New("the context of the record is not a handler's")
	}
	attributes := map[string]string{}
	r.Attrs(func(a slog.Attr) bool {
		attributes[a.Key] = a.Value.String()
		return true
	})
	t.change(func() {
		switch r.Message {
		case "thumbnail":
			l.what += ": " + attributes["of"] + " to " + attributes["size"]
		case "print":
			l.what += ": " + attributes["copies"] + " copies"
		case "skipped":
			l.outcome = "skipped: " + attributes["why"]
		default:
			l.outcome = r.Message
		}
	})
	return nil
}

// WithAttrs implements slog.Handler.
func (t *timeline) WithAttrs([]slog.Attr) slog.Handler { return t }

// WithGroup implements slog.Handler.
func (t *timeline) WithGroup(string) slog.Handler { return t }

// width is that of a terminal.
const width = 80

// String returns the timeline, the outcome last in each line. Times are in
// seconds.
func (t *timeline) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var b strings.Builder
	// Within a millisecond, which is where all is in virtual time, what belongs
	// together stands together.
	slices.SortStableFunc(t.lines, func(a, b *line) int {
		return cmp.Or(cmp.Compare(a.at.Truncate(time.Millisecond), b.at.Truncate(time.Millisecond)), cmp.Compare(a.id, b.id),
			cmp.Compare(slices.Index(order, a.hop), slices.Index(order, b.hop)))
	})
	b.WriteString(columns(" sec    hop       what", "outcome", 54))
	for _, l := range t.lines {
		start := fmt.Sprintf("%4.1f %-2s %-9s ", l.at.Seconds(), l.id, l.hop)
		b.WriteString(columns(start+l.what, l.outcome, 54))
	}
	return b.String()
}

func count(tries int) string {
	if tries == 1 {
		return "1 try"
	}
	return fmt.Sprintf("%d tries", tries)
}

// columns returns a line of text and outcome. The outcome begins at a column,
// or right behind the text when it is too long for that. Of one that is longer
// still, the begin is left out: Go's errors have the reason at the end.
func columns(text, outcome string, column int) string {
	used, wanted := utf8.RuneCountInString(text), utf8.RuneCountInString(outcome)
	if room := width - used - 2; wanted > room {
		head, rest := "", []rune(outcome)
		if after, ok := strings.CutPrefix(outcome, failed); ok {
			head, rest = failed, []rune(after)
		}
		rest = rest[wanted-room+2:]             // and two for the mark
		rest = rest[slices.Index(rest, ' ')+1:] // whole words
		outcome, wanted = head+"… "+string(rest), room
	}
	gap := column - used
	if gap < 2 || column+wanted > width {
		gap = 2
	}
	return text + strings.Repeat(" ", gap) + outcome + "\n"
}
