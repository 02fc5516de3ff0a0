package eventfx

import (
	"context"
	"slices"
	"time"

	"github.com/eventfx/eventfx-go/internal/delivery"
)

// A state is what is known of a record. The zero state is that nothing is: such
// a record is not done.
type state int8

const (
	waiting state = iota // not done: it goes back to its source
	handled
	dead // kept by the dead letter
)

// A result is what the turn of a record came to.
type result struct {
	state     state
	ran       bool // the policy ran for it; a Once may skip that
	exhausted bool // its attempts are used up
	err       error
	after     time.Duration // the delay that err asks for
	attempts  []Attempt
	found     *Dead // when the state is dead
}

// fail notes that a record is not done.
func (r *result) fail(f Failure) { r.state, r.err, r.after = waiting, f.Err, f.After }

// A turn is what a chain of handlers runs for: one record, or several of one
// batch route.
type turn struct {
	batch   *batch
	route   *route
	lane    int
	ordered bool
	records []*record

	// A Once may return before its next has: who runs the policy or reviews it
	// holds a place in the channel, and nothing runs after the review.
	// (A sync.Mutex would stop the time of a synctest bubble.)
	busy     chan struct{}
	reviewed bool

	// The first attempt of a single record needs no more memory than this.
	one      [1]*record
	message  [1]*Message
	delivery Delivery
	context  turnContext
}

// run takes the records through the policy of their route.
func (t *turn) run() {
	ctx := t.begin(t.batch.ctx)
	if t.route == nil {
		t.bury(ctx, &t.batch.router.table.noRoute.policy, t.records)
		return
	}
	p := &t.route.policy
	if p.once == nil {
		t.apply(ctx, t.records)
		return
	}
	t.busy = make(chan struct{}, 1)
	messages := make([]*Message, len(t.records))
	for i, rec := range t.records {
		messages[i] = rec.message
	}
	// A Once may narrow its Delivery in place: what it answers for is this.
	d := &Delivery{Route: t.route.name, Messages: slices.Clone(messages)}
	err := call(&turnContext{Context: ctx, turn: t}, p.once, d)
	t.bury(ctx, p, t.review(messages, err))
}

// review reads what a Once returned. It may fail what the policy had done, and
// skip what the policy did not run; it cannot make a failure undone. It returns
// what the Once refused to run, which nobody has buried yet.
func (t *turn) review(messages []*Message, err error) (refused []*record) {
	t.busy <- struct{}{}
	defer func() { <-t.busy }()
	t.reviewed = true
	failed := failedOf(messages, err)
	for i, rec := range t.records {
		switch {
		case failed != nil && failed[i].Err != nil:
			if !rec.ran {
				refused = append(refused, rec)
			}
			if rec.state == handled || !rec.ran {
				rec.fail(failed[i])
			}
		case !rec.ran:
			rec.state = handled
		}
	}
	if at := t.leading(); t.ordered && len(refused) > 0 {
		// Behind one that goes back none has had its turn.
		refused = slices.DeleteFunc(refused, func(rec *record) bool { return rec != t.records[at] })
	}
	return refused
}

// runPolicy is the Handler that a Once calls.
func runPolicy(ctx context.Context, d *Delivery) error {
	t, ok := ctx.Value(turnKey{}).(*turn)
	if !ok {
		return Permanent(errForeignContext)
	}
	t.busy <- struct{}{}
	defer func() { <-t.busy }()
	if t.reviewed {
		return ErrUnfinished
	}
	known := make(map[*Message]*record, len(t.records))
	for _, rec := range t.records {
		known[rec.message] = rec
	}
	asked := make(map[*record]bool, len(d.Messages))
	for _, m := range d.Messages {
		rec, ok := lookUp(known, m)
		if !ok {
			return Permanent(errForeignMessage)
		}
		asked[rec] = true
	}
	records := slices.DeleteFunc(slices.Clone(t.records), func(rec *record) bool { return !asked[rec] })
	if len(records) == 0 {
		return Permanent(errForeignMessage)
	}
	t.apply(ctx, records)
	var failures []Failure
	for _, rec := range records {
		if rec.err != nil {
			failures = append(failures, Failure{Message: rec.message, Err: rec.err, After: rec.after})
		}
	}
	switch {
	case failures == nil:
		return nil
	case len(t.records) == 1:
		if asked, _ := delayAsked(failures[0].Err); asked == failures[0].After {
			return failures[0].Err
		}
	}
	return &BatchError{Failures: failures}
}

// attempt runs the handler once for records and notes what failed.
func (t *turn) attempt(ctx context.Context, n int, records []*record) (end func(error, time.Duration), err error) {
	p := &t.route.policy
	messages, d, actx := t.message[:], &t.delivery, &t.context
	if n > 1 || len(records) > 1 {
		// An earlier attempt may have kept its own.
		messages, d, actx = make([]*Message, len(records)), new(Delivery), new(turnContext)
	}
	// Who may have to show the message again gives the handler a copy.
	guarded := p.deadLetter != nil || p.retry.Attempts > 1
	for i, rec := range records {
		rec.ran = true
		messages[i] = rec.message
		if guarded {
			messages[i] = rec.message.Clone()
		}
	}
	*d = Delivery{Route: t.route.name, Attempt: n, Messages: messages}
	*actx = turnContext{Context: ctx, turn: t}
	if !t.route.batch {
		actx.message = messages[0]
	}
	var run context.Context = actx
	if t.batch.router.Observer.Attempt != nil {
		run, end = t.beginAttempt(actx, d)
	}
	if p.timeout > 0 {
		var cancel context.CancelFunc
		run, cancel = context.WithTimeout(run, time.Duration(p.timeout))
		defer cancel()
	}

	started := time.Now()
	// The handler may change its Delivery: what it answers for is this.
	asked := messages
	if guarded || len(records) > 1 {
		asked = slices.Clone(messages)
	}
	err = call(run, p.handler, d)
	if err == nil {
		for _, rec := range records {
			rec.state, rec.err, rec.after = handled, nil, 0
		}
		return end, nil
	}
	failed := failedOf(asked, err)
	ended := time.Now()
	blocked := false
	for i, rec := range records {
		switch {
		case blocked:
			rec.fail(Failure{Err: errBlocked})
		case failed[i].Err == nil:
			rec.state, rec.err, rec.after = handled, nil, 0
		default:
			rec.fail(failed[i])
			rec.attempts = append(rec.attempts, Attempt{Started: started, Ended: ended, Err: failed[i].Err})
			blocked = t.ordered
		}
	}
	return end, err
}

// call runs h; a panic is an error.
func call(ctx context.Context, h Handler, d *Delivery) (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = newPanicError(value)
		}
	}()
	err = h(ctx, d)
	if b, ok := err.(*BatchError); ok && b == nil {
		return errNilBatchError
	}
	return err
}

// failedOf returns a Failure for each message, whose Err is nil where the
// message is done. An error that names no message, or a strange one, fails them
// all: if it is unsure whether a message was handled, it was not.
func failedOf(messages []*Message, err error) []Failure {
	if err == nil {
		return nil
	}
	failed := make([]Failure, len(messages))
	b, ok := asBatchError(err)
	known := ok && len(b.Failures) > 0 && place(failed, messages, b.Failures)
	for i, m := range messages {
		if !known {
			failed[i] = Failure{Err: err}
		}
		failed[i].Message = m
		if asked, ok := delayAsked(failed[i].Err); ok && failed[i].After == 0 {
			failed[i].After = asked
		}
	}
	return failed
}

// place puts failures at the places of their messages, and reports whether it
// knew them all. A clone stands for what it was cloned from.
func place(failed []Failure, messages []*Message, failures []Failure) bool {
	index := make(map[*Message]int, len(messages))
	for i, m := range messages {
		index[m] = i
	}
	for _, f := range failures {
		i, ok := lookUp(index, f.Message)
		if !ok {
			return false
		}
		if f.Err == nil {
			f.Err = errNoReason
		}
		failed[i] = f
	}
	return true
}

// lookUp finds what a map knows of m, or of what m was cloned from.
func lookUp[V any](known map[*Message]V, m *Message) (v V, ok bool) {
	for ; m != nil && !ok; m = m.original {
		v, ok = known[m]
	}
	return v, ok
}

// leading counts the records that are done or dead before the first that is not.
func (t *turn) leading() int {
	for i, rec := range t.records {
		if rec.state == waiting {
			return i
		}
	}
	return len(t.records)
}

// A turnContext carries the message, its lane and the turn: one allocation for
// three values.
type turnContext struct {
	context.Context
	turn    *turn
	message *Message
}

type turnKey struct{}

func (c *turnContext) Value(key any) any {
	switch key.(type) {
	case messageKey:
		return c.message
	case turnKey:
		return c.turn
	case delivery.LaneKey:
		return c.turn.lane
	}
	return c.Context.Value(key)
}
