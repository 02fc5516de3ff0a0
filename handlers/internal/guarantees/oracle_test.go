package guarantees_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/handlers/idempotency"
)

// A life is what the oracle knows of a unit.
type life struct {
	runs    int    // whose first call was answered
	handled bool   // a run of a living process has succeeded
	settled bool   // so says the router: done or dead
	dead    bool   // a letter was acknowledged
	late    bool   // a success of it was refused, for its lease was taken over
	crashed bool   // the process crashed while its dead letter was written
	okIn    *visit // the last in which a batch handler went on behind it

	// What came first of success and dead letter, and when the other did.
	first     ending
	firstAt   time.Duration
	firstIn   *visit
	second    bool
	secondAt  time.Duration
	suspected bool // it ran before what is in front of it was settled
}

type ending string

const (
	handledFirst ending = "handled"
	deadFirst    ending = "dead"
)

// A visit is one invocation of the worker: one delivery of each of its
// messages.
type visit struct {
	ctx      context.Context
	at, end  time.Duration
	messages []*eventfx.Message
	failures []eventfx.Failure
	closed   bool // Deliver has returned
	fates    map[*eventfx.Message]*fate
	kept     map[*eventfx.Message]bool // whose dead letter was acknowledged
	runs     map[*unit]int
	ok       map[*unit]int
}

// gone reports whether the process of the visit has ended: what it says from
// then on nobody hears.
func (v *visit) gone() bool { return errors.Is(v.ctx.Err(), context.Canceled) }

// A fate is what the observer has heard of a message.
type fate struct {
	began, ended int
	outcome      string
}

type visitKey struct{}

func visitOf(ctx context.Context) *visit {
	v, _ := ctx.Value(visitKey{}).(*visit)
	return v
}

// A hold is the time in which the guard lets one delivery run for a key.
type hold struct {
	name  string
	visit *visit
	since time.Time
	until time.Time
	over  bool
}

// oracle judges.
type oracle struct {
	world     *world
	mu        sync.Mutex
	committed map[string]bool // names whose commit was acknowledged
	holds     []*hold
	both      []*unit // handled and dead
}

// name is that of the record by which the guard knows a message.
func (o *oracle) name(route string, m *eventfx.Message) string {
	if o.world.plan.ownKey {
		if key, err := keyOf(m); err == nil {
			return route + " " + key
		}
	}
	return route + " " + m.Source() + " " + m.ID()
}

func (o *oracle) errorf(format string, args ...any) { o.world.t.Errorf(format, args...) }

// visit begins a visit.
func (w *world) visit(ctx context.Context) *visit {
	v := &visit{
		ctx: ctx, at: w.cloud.Now(),
		fates: map[*eventfx.Message]*fate{}, kept: map[*eventfx.Message]bool{}, runs: map[*unit]int{}, ok: map[*unit]int{},
	}
	w.oracle.mu.Lock()
	defer w.oracle.mu.Unlock()
	w.visits = append(w.visits, v)
	return v
}

// Invoke is the function's handler.
func (w *world) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	v := w.visit(ctx)
	answer, err := w.host.Invoke(context.WithValue(ctx, visitKey{}, v), payload)
	w.oracle.mu.Lock()
	defer w.oracle.mu.Unlock()
	v.end = w.cloud.Now()
	w.oracle.answered(v, answer, err)
	return answer, err
}

// observer is the router's.
func (o *oracle) observer() eventfx.Observer {
	return eventfx.Observer{
		Batch: func(ctx context.Context, messages []*eventfx.Message) (context.Context, func([]eventfx.Failure)) {
			v := visitOf(ctx)
			v.messages = slices.Clone(messages)
			for _, m := range messages {
				v.fates[m] = &fate{}
			}
			return ctx, func(failures []eventfx.Failure) {
				o.mu.Lock()
				defer o.mu.Unlock()
				v.failures, v.closed = failures, true
			}
		},
		Message: func(ctx context.Context, _ string, m *eventfx.Message) (context.Context, func(error, *eventfx.Dead)) {
			v := visitOf(ctx)
			o.mu.Lock()
			defer o.mu.Unlock()
			f := v.fates[m]
			if f == nil {
				o.errorf("the observer hears of a message that was not delivered: %s", m.ID())
				f = &fate{}
			}
			f.began++
			return ctx, func(err error, dead *eventfx.Dead) {
				o.mu.Lock()
				defer o.mu.Unlock()
				f.ended++
				o.settled(v, m, f, err, dead)
			}
		},
	}
}

// settled hears what became of a delivery.
func (o *oracle) settled(v *visit, m *eventfx.Message, f *fate, err error, dead *eventfx.Dead) {
	u := o.world.unitOfMessage(m)
	if errors.Is(err, idempotency.ErrLateCommit) {
		o.world.tooLate++
		u.late = true
	}
	switch {
	case err == nil && dead == nil:
		f.outcome = "done"
		if !u.handled && !v.gone() {
			o.errorf("%s is done, and no handler has succeeded for it", u.id)
		}
	case dead != nil:
		f.outcome = "dead"
		if !v.kept[m] {
			o.errorf("%s counts as dead, and its dead letter was not written", u.id)
		}
	default:
		f.outcome = "back"
		return
	}
	if !v.gone() {
		u.settled = true
	}
}

// watch is a Once around the guard's: it hears when the guard lets deliveries
// run, and until when.
func (o *oracle) watch(guard eventfx.Once) eventfx.Once {
	return func(next eventfx.Handler) eventfx.Handler {
		return guard(func(ctx context.Context, d *eventfx.Delivery) error {
			v := visitOf(ctx)
			until, _ := ctx.Deadline()
			var held []*hold
			o.mu.Lock()
			for _, m := range d.Messages {
				h := &hold{name: o.name(d.Route, m), visit: v, since: time.Now(), until: until}
				for _, other := range o.holds {
					if other.name == h.name && !other.over && time.Now().Before(other.until) && o.strict() && !v.gone() {
						o.errorf("%s runs beside the one that holds its lease for %v more", h.name, time.Until(other.until))
					}
				}
				held = append(held, h)
			}
			o.holds = append(o.holds, held...)
			o.mu.Unlock()
			err := next(ctx, d)
			o.mu.Lock()
			defer o.mu.Unlock()
			for _, h := range held {
				h.over = !v.gone() // a process that is gone releases nothing
			}
			return err
		})
	}
}

// late holds that nobody ends a lock that another had before the call began. The
// caller holds mu.
func (o *oracle) late(ctx context.Context, r idempotency.Record, since time.Time, what string) {
	for _, h := range o.holds {
		if o.strict() && h.since.Before(since) && h.name == r.Name && h.visit != visitOf(ctx) && !h.over && time.Now().Before(h.until) {
			o.errorf("%s was %s by one whose lease is over, while another holds it", r.Name, what)
		}
	}
}

// strict reports whether nothing may run without its lock.
func (o *oracle) strict() bool { return o.world.plan.guard && !o.world.plan.unguarded }

// begin hears of a run, and returns its number, and whether it succeeds.
func (o *oracle) begin(ctx context.Context, route string, m *eventfx.Message, u *unit) (n int, mended bool) {
	v := visitOf(ctx)
	o.mu.Lock()
	defer o.mu.Unlock()
	n = u.runs + 1
	if v.gone() {
		return n, false
	}
	if v.closed {
		o.errorf("%s runs after Deliver has returned", u.id)
	}
	if o.strict() && o.committed[o.name(route, m)] {
		o.errorf("%s runs again after its commit was acknowledged", u.id)
	}
	copies := 0
	for _, other := range v.messages {
		if o.world.unitOfMessage(other) == u {
			copies++
		}
	}
	v.runs[u]++
	attempts := o.world.plan.retry.Attempts
	most := attempts * copies
	if o.world.plan.batched && m.Group != "" {
		most *= len(v.messages) // a panic is of all, and behind a dead one the others have a turn of their own
	}
	switch {
	case v.runs[u] > most:
		o.errorf("%s runs for the %d. time in one delivery, with %d attempts", u.id, v.runs[u], attempts)
	case v.ok[u] >= copies:
		o.errorf("%s runs again in the delivery in which it was handled", u.id)
	}
	if p := u.after; p != nil && !o.world.mended && !p.settled && p.okIn != v {
		// In a batch the guard may have skipped the one in front, as it was
		// done in an earlier delivery that never ended.
		skipped := o.world.plan.guard && o.world.plan.batched && p.handled && v.runs[p] == 0
		u.suspected = u.suspected || !skipped
	}
	if u.first != "" && !u.second {
		u.second, u.secondAt = true, o.world.cloud.Now()
	}
	return n, o.world.mended
}

// tried hears what became of a run's first call. Only what the cloud answered
// counts: whether a process that is gone begins another run is luck.
func (o *oracle) tried(u *unit, err error) {
	if refusal, ok := errors.AsType[*memcloud.Error](err); err != nil && (!ok || refusal.Code == "InvocationOver") {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	u.runs++
}

// passed hears that a batch handler goes on to the next message.
func (o *oracle) passed(ctx context.Context, m *eventfx.Message) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if v := visitOf(ctx); !v.gone() && !v.closed {
		o.world.unitOfMessage(m).okIn = v
	}
}

// handled hears that a handler has succeeded for messages.
func (o *oracle) handled(ctx context.Context, messages ...*eventfx.Message) {
	v := visitOf(ctx)
	o.mu.Lock()
	defer o.mu.Unlock()
	if v.gone() || v.closed {
		return // nobody hears of it
	}
	for _, m := range messages {
		u := o.world.unitOfMessage(m)
		u.handled = true
		v.ok[u]++
		u.ends(handledFirst, o.world.cloud.Now(), v)
	}
}

// ends notes which of two endings came first.
func (u *unit) ends(e ending, at time.Duration, v *visit) {
	if u.first == "" {
		u.first, u.firstAt, u.firstIn, u.second = e, at, v, false
	}
}

// dying holds that a message is dead for its own fault alone.
func (o *oracle) dying(d *eventfx.Dead) {
	o.mu.Lock()
	defer o.mu.Unlock()
	u := o.world.unitOfMessage(d.Message)
	retry := o.world.plan.retry
	switch d.Reason {
	case "permanent":
	case "retriesexhausted", "panic":
		counts := u.source == ordersQueue || u.source == ledgerQueue || u.source == uploadBucket
		deliveries := retry.Deliveries
		if deliveries == 0 {
			deliveries = 5
		}
		switch {
		case o.world.plan.batched && len(d.Attempts) > 0 && len(d.Attempts) < retry.Attempts:
			// The messages of a batch share its attempts.
		case len(d.Attempts) != retry.Attempts:
			o.errorf("%s is dead after %d runs in this delivery, want %d", u.id, len(d.Attempts), retry.Attempts)
		case counts && deliveries > 1 && d.Message.Origin.Receives < deliveries:
			o.errorf("%s is dead at its %d. delivery, want the %d.", u.id, d.Message.Origin.Receives, deliveries)
		}
		if errors.Is(d.Err, eventfx.ErrUnfinished) || errors.Is(d.Err, idempotency.ErrInProgress) {
			o.errorf("%s is dead for %v, which is no fault of its own", u.id, d.Err)
		}
	default:
		o.errorf("%s is dead for the reason %q", u.id, d.Reason)
	}
}

// kept hears what the sink said.
func (o *oracle) kept(ctx context.Context, d *eventfx.Dead, begin time.Duration, err error) {
	v := visitOf(ctx)
	o.mu.Lock()
	defer o.mu.Unlock()
	u := o.world.unitOfMessage(d.Message)
	u.ends(deadFirst, begin, v) // though it failed, it may have been written
	u.crashed = u.crashed || v.gone()
	if err == nil {
		v.kept[d.Message] = true
		u.dead = true
	}
}

// answered compares the answer of an invocation with what the observer heard.
func (o *oracle) answered(v *visit, answer []byte, err error) {
	if !v.closed {
		if len(v.messages) > 0 {
			o.errorf("an invocation was answered before Deliver returned")
		}
		return
	}
	back := map[*eventfx.Message]bool{}
	for _, f := range v.failures {
		back[f.Message] = true
	}
	for _, m := range v.messages {
		f := v.fates[m]
		switch {
		case f.began > 1 || f.ended != f.began:
			o.errorf("delivery of %s: it began %d times and ended %d times", m.ID(), f.began, f.ended)
		case f.began == 0 && !back[m]:
			o.errorf("delivery of %s: it had no turn, and counts as handled", m.ID())
		case f.began == 1 && (f.outcome == "back") != back[m]:
			o.errorf("delivery of %s: the observer says %q, and that it goes back is %t", m.ID(), f.outcome, back[m])
		}
	}
	if len(v.messages) == 0 {
		return
	}
	source := o.world.unitOfMessage(v.messages[0]).source
	want := map[string]bool{}
	for _, f := range v.failures {
		if source != usersTable || len(want) == 0 {
			want[f.Message.Origin.ID] = true
		}
	}
	got := map[string]bool{}
	switch source {
	case ordersQueue, ledgerQueue, usersTable:
		if err != nil {
			if len(v.failures) != len(v.messages) {
				o.errorf("%d of %d messages failed, and the answer is an error: %v", len(v.failures), len(v.messages), err)
			}
			return
		}
		var list struct {
			BatchItemFailures []struct{ ItemIdentifier string }
		}
		if err := json.Unmarshal(answer, &list); err != nil {
			o.errorf("answer %s: %v", answer, err)
		}
		for _, item := range list.BatchItemFailures {
			got[item.ItemIdentifier] = true
		}
		if !maps.Equal(got, want) {
			o.errorf("the answer names %v, want %v", slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)))
		}
	default:
		if (err != nil) != (len(want) > 0) {
			o.errorf("%d messages of %s failed, and the error is %v", len(want), source, err)
		}
	}
}

// judge holds what must be true in the end.
func (w *world) judge() {
	o := &w.oracle
	o.mu.Lock()
	defer o.mu.Unlock()
	letters := w.lettersLeft()
	givenUp := w.givenUp()
	for _, q := range []*memcloud.Queue{w.orders, w.ledger} {
		for _, m := range q.Messages() {
			w.t.Errorf("%s still has %s", q.Name(), m.Body)
		}
	}
	steps := w.cloud.Steps()
	for _, u := range w.order {
		if !u.handled && !letters[u] && !givenUp[u] {
			w.t.Errorf("%s of %s is LOST: neither handled nor kept", u.id, u.source)
		}
		if u.dead && !letters[u] {
			w.t.Errorf("%s: its dead letter is gone", u.id)
		}
		if u.claim != "" && !u.handled && !w.hasClaim(u) {
			w.t.Errorf("%s: its data was deleted, and it was not handled", u.id)
		}
		if u.suspected && !givenUp[u.after] {
			w.t.Errorf("%s ran before %s, which is in front of it, was done or dead", u.id, u.after.id)
		}
		if u.handled && letters[u] && !u.twin && !u.late && !u.crashed {
			w.explain(u, steps)
		}
	}
	if w.t.Failed() {
		w.t.Errorf("the seed's plan is %+v", w.plan)
	}
}

// givenUp returns the units that AWS has given up, and kept.
func (w *world) givenUp() map[*unit]bool {
	found := map[*unit]bool{}
	for _, q := range []*memcloud.Queue{w.orders.DeadLetterQueue(), w.ledger.DeadLetterQueue(), w.undelivered} {
		for _, m := range q.Messages() {
			found[w.unitOf(m.Body)] = true
		}
	}
	return found
}

// lettersLeft returns the units of which there is a dead letter.
func (w *world) lettersLeft() map[*unit]bool {
	found := map[*unit]bool{}
	for _, m := range w.letters.Messages() {
		found[w.unitOf(m.Body)] = true
	}
	for _, key := range w.letterBucket.Keys() {
		doc, _ := w.letterBucket.Get(key)
		found[w.unitOf(string(doc))] = true
	}
	return found
}

// hasClaim reports whether the data of u is still in its bucket.
func (w *world) hasClaim(u *unit) bool {
	for _, key := range w.claims.Keys() {
		data, _ := w.claims.Get(key)
		if w.unitOf(string(data)) == u {
			return true
		}
	}
	return false
}

// explain holds that a unit which was handled and is dead met a fault between
// the two: after the first had happened and before its source knew.
func (w *world) explain(u *unit, steps []memcloud.Step) {
	w.oracle.both = append(w.oracle.both, u)
	until := u.firstIn.end + time.Millisecond
	if u.firstIn.end == 0 {
		until = w.cloud.Now()
	}
	for _, s := range steps {
		if s.Action != "FAULT" || s.At > until && u.second && s.At > u.secondAt {
			continue
		}
		kind, site, _ := strings.Cut(s.ID, "@")
		if s.At >= u.firstAt && s.At <= until && kind != string(memcloud.Reorder) && kind != string(memcloud.Throttle) {
			return
		}
		if kind == string(memcloud.Duplicate) && (strings.HasPrefix(site, u.source) || strings.HasPrefix(site, worker)) {
			return
		}
	}
	w.t.Errorf("%s was handled and is dead, first %s at %v, and no fault between explains it", u.id, u.first, u.firstAt)
}

func (u *unit) String() string { return fmt.Sprintf("%s of %s", u.id, u.source) }
