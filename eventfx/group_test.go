package eventfx_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/eventfx/eventfx-go/eventfx"
)

const blocked = ": an earlier message of its group failed: eventfx: message not finished"

func TestGroups(t *testing.T) {
	poison := always(eventfx.Permanent(errBroken))
	tests := []struct {
		name, reason string
		messages     []*eventfx.Message
		answers      map[string]func(context.Context) error
		deadLetter   bool
		attempts     int
		runs         []string
		back, dead   []string
	}{{
		name:     "order",
		reason:   "messages of a group run in the order given",
		messages: inGroup("g", "1", "2", "3"),
		runs:     []string{"1", "2", "3"},
	}, {
		name:     "failure blocks",
		reason:   "Rule C5.6: the failed and all unprocessed ids of the group go back",
		messages: inGroup("g", "1", "2", "3"),
		answers:  map[string]func(context.Context) error{"2": always(errBroken)},
		runs:     []string{"1", "2"},
		back:     []string{"2: broken", "3" + blocked},
	}, {
		name:     "other groups go on",
		reason:   "Rule C5.6: order holds within a group only",
		messages: append(append(inGroup("g", "1", "2"), inGroup("h", "3")...), inGroup("g", "4")...),
		answers:  map[string]func(context.Context) error{"1": always(errBroken)},
		runs:     []string{"1", "3"},
		back:     []string{"1: broken", "2" + blocked, "4" + blocked},
	}, {
		name:     "messages without a group go on",
		reason:   "they have no order",
		messages: append(inGroup("g", "1", "2"), messages("3")...),
		answers:  map[string]func(context.Context) error{"1": always(errBroken)},
		runs:     []string{"1", "3"},
		back:     []string{"1: broken", "2" + blocked},
	}, {
		name:       "poison is buried before the next runs",
		reason:     "Rule H6: a permanent error obeys the order, and does not stop the group",
		messages:   inGroup("g", "1", "2", "3"),
		answers:    map[string]func(context.Context) error{"2": poison},
		deadLetter: true,
		runs:       []string{"1", "2", "bury 2", "3"},
		dead:       []string{"2 permanent after 1: broken"},
	}, {
		name:     "poison without a dead letter blocks",
		reason:   "it goes back, and what follows must not overtake it",
		messages: inGroup("g", "1", "2"),
		answers:  map[string]func(context.Context) error{"1": poison},
		runs:     []string{"1"},
		back:     []string{"1: broken", "2" + blocked},
	}, {
		name:     "a retry comes before the next",
		reason:   "order outranks speed",
		messages: inGroup("g", "1", "2"),
		answers:  map[string]func(context.Context) error{"1": times(1, errBroken)},
		attempts: 2,
		runs:     []string{"1", "1", "2"},
	}}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var j journal
				var b bin
				r := &eventfx.Router{Retry: eventfx.Retry{Attempts: tt.attempts}}
				if tt.deadLetter {
					r.DeadLetter = func(ctx context.Context, d *eventfx.Dead) error {
						j.add("bury %s", d.Message.ID())
						return b.keep(ctx, d)
					}
				}
				eventfx.On(r, orders{}, j.script(tt.answers))
				failures := r.Deliver(t.Context(), tt.messages)
				for _, check := range []struct {
					what      string
					want, got []string
				}{{"runs", tt.runs, j.all()}, {"back", tt.back, failed(failures)}, {"dead", tt.dead, b.story()}} {
					if diff := cmp.Diff(check.want, check.got); diff != "" {
						t.Errorf("%s: %s (-want +got):\n%s", tt.reason, check.what, diff)
					}
				}
			})
		})
	}
}

func TestGroupsRunSideBySide(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var j journal
		begin := time.Now()
		r := &eventfx.Router{Concurrency: 2}
		eventfx.On(r, orders{}, func(_ context.Context, e eventfx.Event[string]) error {
			time.Sleep(time.Second)
			j.add("%s at %v", e.Data, time.Since(begin))
			return nil
		})
		ms := append(inGroup("g", "g1", "g2"), inGroup("h", "h1", "h2", "h3")...)
		r.Deliver(t.Context(), ms)
		if took := time.Since(begin); took != 3*time.Second {
			t.Errorf("it took %v, want the 3 s of the longer group", took)
		}
	})
}

func TestBatches(t *testing.T) {
	// fail answers by Batch.Fail for the ids given, each once.
	type fails map[string]error
	tests := []struct {
		name, reason string
		messages     []*eventfx.Message
		fails        fails
		err          error // of the first run
		attempts     int
		deadLetter   bool
		runs         [][]string
		back, dead   []string
	}{{
		name:     "together",
		reason:   "messages without a group make one batch",
		messages: messages("1", "2", "3"),
		runs:     [][]string{{"1", "2", "3"}},
	}, {
		name:     "only the losers go back",
		reason:   "what did not fail is done",
		messages: messages("1", "2", "3"),
		fails:    fails{"2": errBroken},
		runs:     [][]string{{"1", "2", "3"}},
		back:     []string{"2: broken"},
	}, {
		name:     "only the losers run again",
		reason:   "a retry touches no message that is done",
		messages: messages("1", "2", "3"),
		fails:    fails{"2": errBroken, "3": errBroken},
		attempts: 2,
		runs:     [][]string{{"1", "2", "3"}, {"2", "3"}},
	}, {
		name:     "an error fails all",
		reason:   "the handler did not say which are done",
		messages: messages("1", "2"),
		err:      errBroken,
		runs:     [][]string{{"1", "2"}},
		back:     []string{"1: broken", "2: broken"},
	}, {
		name:       "one poison",
		reason:     "a permanent failure is one message's",
		messages:   messages("1", "2", "3"),
		fails:      fails{"1": errBroken, "2": eventfx.Permanent(errBroken)},
		attempts:   2,
		deadLetter: true,
		runs:       [][]string{{"1", "2", "3"}, {"1"}, {"bury 2"}},
		dead:       []string{"2 permanent after 1: broken"},
	}, {
		name:     "a batch in a group is a run of consecutive messages",
		reason:   "a message of another route between two parts them",
		messages: append(append(inGroup("g", "1", "2"), other("g", "x")), inGroup("g", "3")...),
		runs:     [][]string{{"1", "2"}, {"other x"}, {"3"}},
	}, {
		name:     "each group has its batch",
		reason:   "groups are apart from each other",
		messages: append(append(inGroup("g", "1"), inGroup("h", "2")...), inGroup("g", "3")...),
		runs:     [][]string{{"1", "3"}, {"2"}},
	}, {
		name:     "what follows in the group fails too",
		reason:   "order outranks narrowing",
		messages: inGroup("g", "1", "2", "3"),
		fails:    fails{"2": errBroken},
		runs:     [][]string{{"1", "2", "3"}},
		back:     []string{"2: broken", "3" + blocked},
	}, {
		name:     "what follows in the group runs again",
		reason:   "order outranks narrowing",
		messages: inGroup("g", "1", "2", "3"),
		fails:    fails{"2": errBroken},
		attempts: 2,
		runs:     [][]string{{"1", "2", "3"}, {"2", "3"}},
	}, {
		name:       "poison in a group",
		reason:     "it is buried, then what follows gets its turn",
		messages:   inGroup("g", "1", "2", "3", "4"),
		fails:      fails{"2": eventfx.Permanent(errBroken)},
		attempts:   2,
		deadLetter: true,
		runs:       [][]string{{"1", "2", "3", "4"}, {"bury 2"}, {"3", "4"}},
		dead:       []string{"2 permanent after 1: broken"},
	}, {
		name:       "exhausted in a group",
		reason:     "what stood behind it has not had its turn, so its attempts are not used up",
		messages:   last(inGroup("g", "1", "2", "3")...),
		fails:      fails{"2": errBroken},
		deadLetter: true,
		runs:       [][]string{{"1", "2", "3"}, {"bury 2"}, {"3"}},
		dead:       []string{"2 retriesexhausted after 1: broken"},
	}, {
		name:       "undecodable",
		reason:     "it fails alone, and is not in the batch",
		messages:   []*eventfx.Message{message("1"), garbage("", "2"), message("3")},
		deadLetter: true,
		runs:       [][]string{{"1", "3"}, {"bury 2"}},
		dead:       []string{"2 decode after 1: decode: invalid character '#' looking for beginning of value"},
	}, {
		name:       "undecodable in a group",
		reason:     "what follows must not run before it is settled",
		messages:   []*eventfx.Message{inGroup("g", "1")[0], garbage("g", "2"), inGroup("g", "3")[0]},
		deadLetter: true,
		runs:       [][]string{{"1"}, {"bury 2"}, {"3"}},
		dead:       []string{"2 decode after 1: decode: invalid character '#' looking for beginning of value"},
	}}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var b bin
				var runs [][]string
				r := &eventfx.Router{Retry: eventfx.Retry{Attempts: tt.attempts}}
				if tt.deadLetter {
					r.DeadLetter = func(ctx context.Context, d *eventfx.Dead) error {
						runs = append(runs, []string{"bury " + d.Message.ID()})
						return b.keep(ctx, d)
					}
				}
				eventfx.On(r, orders{"other"}, func(_ context.Context, e eventfx.Event[string]) error {
					runs = append(runs, []string{"other " + e.Data})
					return nil
				})
				eventfx.OnBatch(r, orders{"order"}, func(ctx context.Context, batch *eventfx.Batch[string]) error {
					if eventfx.FromContext(ctx) != nil {
						t.Error("a batch has no one message")
					}
					var ids []string
					for e := range batch.All() {
						ids = append(ids, e.Data)
						if err := tt.fails[e.Data]; err != nil {
							batch.Fail(e, err)
							delete(tt.fails, e.Data)
						}
					}
					if len(ids) != batch.Len() {
						t.Errorf("Len is %d, All gave %d", batch.Len(), len(ids))
					}
					runs = append(runs, ids)
					return tt.err
				})
				failures := r.Deliver(t.Context(), tt.messages)
				if diff := cmp.Diff(tt.runs, runs); diff != "" {
					t.Errorf("%s: runs (-want +got):\n%s", tt.reason, diff)
				}
				if diff := cmp.Diff(tt.back, failed(failures)); diff != "" {
					t.Errorf("%s: back (-want +got):\n%s", tt.reason, diff)
				}
				if diff := cmp.Diff(tt.dead, b.story()); diff != "" {
					t.Errorf("%s: dead (-want +got):\n%s", tt.reason, diff)
				}
			})
		})
	}
}

// last says that the source will not deliver the messages again.
func last(ms ...*eventfx.Message) []*eventfx.Message {
	for _, m := range ms {
		m.Origin.Last = true
	}
	return ms
}

func other(group, id string) *eventfx.Message {
	m := inGroup(group, id)[0]
	m.SetType("other")
	return m
}

func garbage(group, id string) *eventfx.Message {
	m := inGroup(group, id)[0]
	m.DataEncoded = []byte("#")
	return m
}

func TestFailOfAStrangeEvent(t *testing.T) {
	r := &eventfx.Router{}
	eventfx.OnBatch(r, orders{}, func(_ context.Context, b *eventfx.Batch[string]) error {
		b.Fail(eventfx.Event[string]{Message: message("9")}, errBroken)
		return nil
	})
	want := []string{
		`1: panic: eventfx: Batch.Fail: event "9" is not of this batch`,
		`2: panic: eventfx: Batch.Fail: event "9" is not of this batch`,
	}
	if diff := cmp.Diff(want, failed(r.Deliver(t.Context(), messages("1", "2")))); diff != "" {
		t.Error(diff)
	}
}

// Middleware answers for all that it was given. In a group its word that a
// later message is done does not count when an earlier one failed.
func TestMiddlewareOfABatch(t *testing.T) {
	var seen []string
	r := &eventfx.Router{Use: []eventfx.Middleware{func(next eventfx.Handler) eventfx.Handler {
		return func(ctx context.Context, d *eventfx.Delivery) error {
			failures := d.Failures(next(ctx, d))
			seen = append(seen, failed(failures)...)
			return &eventfx.BatchError{Failures: failures[:1]}
		}
	}}}
	released := 0
	r.Once = func(next eventfx.Handler) eventfx.Handler {
		return func(ctx context.Context, d *eventfx.Delivery) error {
			err := next(ctx, d)
			released = len(d.Failures(err))
			return err
		}
	}
	eventfx.OnBatch(r, orders{}, func(_ context.Context, b *eventfx.Batch[string]) error {
		for e := range b.All() {
			if e.Data == "2" {
				b.Fail(e, errBroken)
			}
		}
		return nil
	})
	want := []string{"2: broken", "3" + blocked}
	if diff := cmp.Diff(want, failed(r.Deliver(t.Context(), inGroup("g", "1", "2", "3")))); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Error(diff)
	}
	if released != 2 {
		t.Errorf("the Once releases %d messages, want 2: it would commit one that goes back", released)
	}
}

// If it is unsure which messages failed, all did.
func TestStrangeBatchErrors(t *testing.T) {
	for _, strange := range []*eventfx.BatchError{
		{},
		{Failures: []eventfx.Failure{{Message: message("9"), Err: errBroken}}},
		{Failures: []eventfx.Failure{{Err: errBroken}}},
	} {
		r := &eventfx.Router{}
		eventfx.OnBatch(r, orders{}, func(context.Context, *eventfx.Batch[string]) error { return nil },
			eventfx.Middleware(func(eventfx.Handler) eventfx.Handler {
				return func(context.Context, *eventfx.Delivery) error { return strange }
			}))
		if got := len(r.Deliver(t.Context(), messages("1", "2"))); got != 2 {
			t.Errorf("%d failures, want 2", got)
		}
	}
}
