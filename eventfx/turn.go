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
func (r *result) fail(err error) {
	r.state, r.err = waiting, err
	r.after, _ = delayAsked(err)
}

// A turn is what a chain of handlers runs for: one record, or several of one
// batch route.
type turn struct {
	batch   *batch
	route   *route
	lane    int
	ordered bool
	records []*record

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
	d := &Delivery{Route: t.route.name, Messages: make([]*Message, len(t.records))}
	for i, rec := range t.records {
		d.Messages[i] = rec.message
	}
	err := call(&turnContext{Context: ctx, turn: t}, p.once, d)
	t.review(d, err)
}

// review reads what a Once returned. It may fail what the policy had done, and
// skip what the policy did not run; it cannot make a failure undone.
func (t *turn) review(d *Delivery, err error) {
	failed := failedOf(d.Messages, err)
	for i, rec := range t.records {
		switch {
		case failed != nil && failed[i] != nil:
			if rec.state == handled || !rec.ran {
				rec.fail(failed[i])
			}
		case !rec.ran:
			rec.state = handled
		}
	}
}

// runPolicy is the Handler that a Once calls.
func runPolicy(ctx context.Context, d *Delivery) error {
	t, ok := ctx.Value(turnKey{}).(*turn)
	if !ok {
		return Permanent(errForeignContext)
	}
	asked := make(map[*Message]bool, len(d.Messages))
	for _, m := range d.Messages {
		asked[m] = true
	}
	records := make([]*record, 0, len(d.Messages))
	for _, rec := range t.records {
		if asked[rec.message] {
			records = append(records, rec)
		}
	}
	if len(records) == 0 {
		return nil
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
		return failures[0].Err
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
	if begin := t.batch.router.Observer.Attempt; begin != nil {
		var observed context.Context
		observed, end = begin(run, d)
		run = orElse(observed, run)
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
			rec.fail(errBlocked)
		case failed[i] == nil:
			rec.state, rec.err, rec.after = handled, nil, 0
		default:
			rec.fail(failed[i])
			rec.attempts = append(rec.attempts, Attempt{Started: started, Ended: ended, Err: failed[i]})
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
	return h(ctx, d)
}

// failedOf returns the error of each message, nil where it is done. An error
// that names no message, or a strange one, fails them all: if it is unsure
// whether a message was handled, it was not.
func failedOf(messages []*Message, err error) []error {
	if err == nil {
		return nil
	}
	failed := make([]error, len(messages))
	if b, ok := asBatchError(err); ok && len(b.Failures) > 0 && place(failed, messages, b.Failures) {
		return failed
	}
	for i := range failed {
		failed[i] = err
	}
	return failed
}

// place puts failures at the places of their messages, and reports whether it
// knew them all.
func place(failed []error, messages []*Message, failures []Failure) bool {
	index := make(map[*Message]int, len(messages))
	for i, m := range messages {
		index[m] = i
	}
	for _, f := range failures {
		i, ok := index[f.Message]
		if !ok {
			return false
		}
		failed[i] = f.Err
		if f.Err == nil {
			failed[i] = ErrUnfinished
		}
	}
	return true
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
