package eventfx_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/eventfx/eventfx-go/eventfx"
)

// errBusy is what middleware says that turns a message away.
var errBusy = eventfx.RetryAfter(fmt.Errorf("busy: %w", eventfx.ErrUnfinished), time.Second)

// A fate is what a test knows of one message over all its deliveries.
type fate struct {
	runs    int // of its handler, of which it failed
	failed  int
	settled bool
}

// Rule H8.1: runs are at most Attempts x Deliveries, whatever fails and
// whatever else counts as a receive. The source delivers what is not settled
// again until everything is.
func TestRunsAreBounded(t *testing.T) {
	var dead, peeked, busy, atBound int
	for seed := range uint64(500) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := &bound{T: t, random: rand.New(rand.NewPCG(seed, 7)), fates: map[string]*fate{}}
				b.live()
				dead, peeked, busy, atBound = dead+b.dead, peeked+b.peeked, busy+b.busy, atBound+b.atBound
			})
		})
	}
	t.Logf("dead %d, receives by others %d, turned away %d, as many runs as allowed %d", dead, peeked, busy, atBound)
	if min(dead, peeked, busy, atBound) < 100 {
		t.Error("too little happened for the test to mean something")
	}
}

type bound struct {
	*testing.T
	random *rand.Rand
	fates  map[string]*fate

	attempts, deliveries        int
	round                       int
	dead, peeked, busy, atBound int
}

func (b *bound) live() {
	b.attempts = 1 + b.random.IntN(3)
	retry := eventfx.Retry{Attempts: b.attempts, Deliveries: b.random.IntN(4)}
	if b.deliveries = retry.Deliveries; b.deliveries == 0 {
		b.deliveries = 5
	}
	if b.random.IntN(4) == 0 {
		retry.If = func(error) bool { return b.random.IntN(2) == 0 }
	}
	r := &eventfx.Router{Retry: retry, Timeout: eventfx.Timeout(time.Second), DeadLetter: b.bury, Use: []eventfx.Middleware{b.turnAway}}
	eventfx.On(r, orders{"order"}, func(ctx context.Context, e eventfx.Event[string]) error { return b.run(ctx, e.ID()) })
	eventfx.OnBatch(r, orders{"batched"}, func(ctx context.Context, batch *eventfx.Batch[string]) error {
		blocked := false
		for e := range batch.All() {
			if b.fates[e.ID()].runs++; blocked {
				continue // in a group, what follows a failure is none of its own
			}
			if err := b.answer(ctx, e.ID()); err != nil {
				batch.Fail(e, err)
				blocked = e.Group != ""
			}
		}
		return nil
	})

	open := map[*eventfx.Message]bool{}
	var all []*eventfx.Message
	for i := range 1 + b.random.IntN(8) {
		m := message(fmt.Sprint(i))
		if b.random.IntN(2) == 0 {
			m.Group = fmt.Sprint("g", b.random.IntN(2))
		}
		if b.random.IntN(3) == 0 {
			m.SetType("batched")
		}
		b.fates[m.ID()] = &fate{}
		all, open[m] = append(all, m), true
	}
	for b.round = 1; len(open) > 0; b.round++ {
		if b.round > 200 {
			b.Fatalf("%d messages are neither done nor dead after 200 deliveries", len(open))
		}
		var batch []*eventfx.Message
		for _, m := range all {
			if open[m] {
				m.Origin.Receives++
				if b.random.IntN(5) == 0 { // a console, a throttled poller
					m.Origin.Receives += b.random.IntN(60)
					b.peeked++
				}
				batch = append(batch, m)
			}
		}
		clear(open)
		for _, f := range r.Deliver(b.Context(), batch) {
			open[f.Message] = true
		}
	}
	for _, m := range all {
		f, limit := b.fates[m.ID()], b.attempts*b.deliveries
		runs := f.runs
		if m.Group != "" && m.Type() == "batched" {
			runs = f.failed // it stood in the runs of those before it, too
		}
		if runs > limit {
			b.Errorf("%s ran %d times, with %d attempts and %d deliveries", m.ID(), runs, b.attempts, b.deliveries)
		}
		if runs == limit {
			b.atBound++
		}
	}
}

// turnAway is middleware like a limit: what it turns away does not run.
func (b *bound) turnAway(next eventfx.Handler) eventfx.Handler {
	return func(ctx context.Context, d *eventfx.Delivery) error {
		if b.round < 20 && b.random.IntN(4) == 0 {
			b.busy++
			return errBusy
		}
		return next(ctx, d)
	}
}

// run answers for one message, and may panic.
func (b *bound) run(ctx context.Context, id string) error {
	b.fates[id].runs++
	if b.random.IntN(12) == 0 {
		b.fates[id].failed++
		panic("broken")
	}
	return b.answer(ctx, id)
}

// answer draws what becomes of a run.
func (b *bound) answer(ctx context.Context, id string) (err error) {
	defer func() {
		if err != nil {
			b.fates[id].failed++
		}
	}()
	switch b.random.IntN(12) {
	case 0:
		return nil
	case 1:
		return eventfx.Permanent(errBroken)
	case 2:
		return eventfx.RetryAfter(errBroken, time.Duration(b.random.IntN(100))*time.Second)
	case 3:
		<-ctx.Done() // the timeout
		return ctx.Err()
	}
	return errBroken
}

// bury holds that nothing is dead of retries that has not run.
func (b *bound) bury(_ context.Context, d *eventfx.Dead) error {
	f := b.fates[d.Message.ID()]
	if f.settled {
		b.Errorf("%s is dead twice", d.Message.ID())
	}
	f.settled = true
	b.dead++
	if f.failed == 0 {
		b.Errorf("%s is dead of %q and has never run: %v", d.Message.ID(), d.Reason, d.Err)
	}
	return nil
}

// Rule H8.2: a receive count that others raised never kills a message that has
// not run.
func TestARunFirst(t *testing.T) {
	tests := []struct {
		name, reason string
		retry        eventfx.Retry
		before       error // of the message before it in its group; nil: none
		turnedAway   int   // runs that middleware refuses
		answers      []error
		wantRuns     int
		wantFailures []string
		wantDead     []string
	}{
		{
			name: "peeked at", reason: "fifty looks by a console are no runs",
			retry: eventfx.Retry{}, answers: []error{nil}, wantRuns: 1,
		},
		{
			name: "peeked at, and bad", reason: "its run came first; then the count decides",
			retry: eventfx.Retry{}, answers: []error{errBroken}, wantRuns: 1,
			wantDead: []string{"1 retriesexhausted after 1: broken"},
		},
		{
			name: "peeked at, with attempts", reason: "every attempt of this delivery is its due",
			retry: eventfx.Retry{Attempts: 3}, answers: []error{errBroken, errBroken, nil}, wantRuns: 3,
		},
		{
			name: "throttled", reason: "it has not run: the throttle's word is not its own",
			retry: eventfx.Retry{}, turnedAway: 1, wantRuns: 0,
			wantFailures: []string{"1: busy: eventfx: message not finished (after 1s)"},
		},
		{
			name: "throttled for all attempts", reason: "as many refusals as attempts are still no run",
			retry: eventfx.Retry{Attempts: 3, Deliveries: 1}, turnedAway: 3, wantRuns: 0,
			wantFailures: []string{"1: busy: eventfx: message not finished (after 1s)"},
		},
		{
			name: "throttled, not worth a run", reason: "If speaks of attempts, not of guilt",
			retry: eventfx.Retry{Deliveries: 1, If: func(error) bool { return false }}, turnedAway: 1, wantRuns: 0,
			wantFailures: []string{"1: busy: eventfx: message not finished (after 1s)"},
		},
		{
			name: "throttled, then run", reason: "the refusal costs an attempt and nothing else",
			retry: eventfx.Retry{Attempts: 2, Deliveries: 1}, turnedAway: 1, answers: []error{errBroken}, wantRuns: 1,
			wantDead: []string{"1 retriesexhausted after 2: broken"},
		},
		{
			name: "behind a failure", reason: "the neighbour's failure is not its own",
			retry: eventfx.Retry{Deliveries: 2}, before: errBroken, wantRuns: 0,
			wantFailures: []string{"0: broken", "1: an earlier message of its group failed: eventfx: message not finished"},
		},
		{
			name: "behind a dead one", reason: "it gets a turn of its own, with all its attempts",
			retry: eventfx.Retry{Attempts: 2}, before: eventfx.Permanent(errBroken), answers: []error{errBroken, nil}, wantRuns: 2,
			wantDead: []string{"0 permanent after 1: broken"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, batched := range []bool{false, true} {
				synctest.Test(t, func(t *testing.T) {
					var kept bin
					refuse, runs := tt.turnedAway, 0
					r := &eventfx.Router{Retry: tt.retry, DeadLetter: kept.keep}
					r.Use = []eventfx.Middleware{func(next eventfx.Handler) eventfx.Handler {
						return func(ctx context.Context, d *eventfx.Delivery) error {
							if refuse--; refuse >= 0 {
								return errBusy
							}
							return next(ctx, d)
						}
					}}
					answer := func(id string) error {
						if id == "0" {
							return tt.before
						}
						runs++
						return tt.answers[runs-1]
					}
					if batched {
						eventfx.OnBatch(r, orders{}, func(_ context.Context, b *eventfx.Batch[string]) error {
							for e := range b.All() {
								if err := answer(e.ID()); err != nil {
									b.Fail(e, err)
									break // what follows in the group fails with it
								}
							}
							return nil
						})
					} else {
						eventfx.On(r, orders{}, func(_ context.Context, e eventfx.Event[string]) error { return answer(e.ID()) })
					}
					ms := inGroup("g", "1")
					if tt.before != nil {
						ms = inGroup("g", "0", "1")
						ms[0].Origin.Receives = 1
					}
					ms[len(ms)-1].Origin.Receives = 50
					failures := failed(r.Deliver(t.Context(), ms))
					if d := cmp.Diff(tt.wantFailures, failures) + cmp.Diff(tt.wantDead, kept.story()); d != "" || runs != tt.wantRuns {
						t.Errorf("batched %v: %d runs, want %d: %s\n%s", batched, runs, tt.wantRuns, tt.reason, d)
					}
				})
			}
		})
	}
}

// Even so: what its source will not deliver again is kept, not lost.
func TestTurnedAwayForTheLastTime(t *testing.T) {
	var kept bin
	r := &eventfx.Router{DeadLetter: kept.keep}
	r.Use = []eventfx.Middleware{func(eventfx.Handler) eventfx.Handler {
		return func(context.Context, *eventfx.Delivery) error { return errBusy }
	}}
	eventfx.On(r, orders{}, nop)
	m := message("1")
	m.Origin.Last = true
	if failures := r.Deliver(t.Context(), []*eventfx.Message{m}); failures != nil {
		t.Error(failed(failures))
	}
	if d := cmp.Diff([]string{"1 retriesexhausted after 1: busy: eventfx: message not finished"}, kept.story()); d != "" {
		t.Error(d)
	}
}
