package eventfx

import (
	"context"
	"slices"
	"time"

	"github.com/eventfx/eventfx-go/internal/delivery"
)

// Deliver runs the handlers for messages and returns those that are not done,
// in the order given; an empty list means that all are done. Every message
// starts as failed and becomes done when it is done, so whatever stops Deliver
// early hands back what was not finished.
//
// When ctx is done nothing new starts, the contexts of running handlers end,
// and Deliver returns at the latest after Router.Grace. What still runs then
// has failed with ErrUnfinished, and its late result is refused.
//
// Deliver may be called from several goroutines, but not with one message in
// two calls at once. Handlers run on the caller's
// goroutine when ctx can never be done and nothing runs side by side.
func (r *Router) Deliver(ctx context.Context, messages []*Message) []Failure {
	r.freeze()
	var end func([]Failure)
	if r.Observer.Batch != nil {
		ctx, end = r.beginBatch(ctx, messages)
	}
	failures := r.deliver(ctx, messages)
	if end != nil {
		observe(func() { end(slices.Clone(failures)) })
	}
	return failures
}

func (r *Router) deliver(ctx context.Context, messages []*Message) []Failure {
	if len(messages) == 0 {
		return nil
	}
	b := &batch{router: r, ctx: ctx, records: make([]record, len(messages)), finished: make(chan struct{}), over: make(chan struct{})}
	b.plan(messages)
	workers := max(1, min(r.Concurrency, len(b.lanes)))
	if ctx.Done() == nil {
		for range workers - 1 {
			go b.work(true)
		}
		b.work(false)
		<-b.finished
		return b.close()
	}
	for range workers {
		go b.work(true)
	}
	select {
	case <-b.finished:
	case <-ctx.Done():
		b.waitGrace()
	}
	return b.close()
}

// waitGrace waits until all is finished, but no longer than the grace.
func (b *batch) waitGrace() {
	grace := b.router.Grace
	if grace <= 0 {
		grace = 250 * time.Millisecond
	}
	if limit, ok := delivery.Grace(b.ctx); ok {
		grace = min(grace, limit)
	}
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-b.finished:
	case <-timer.C:
	}
}

// A batch is one call of Deliver at work.
type batch struct {
	router   *Router
	ctx      context.Context
	records  []record
	lanes    []lane
	finished chan struct{} // closed when no lane is left
	over     chan struct{} // closed when nobody waits for results any more

	slots
	open   int  // lanes that have not ended; guarded by slots.mu
	closed bool // Deliver has returned: results are refused; guarded by slots.mu
}

// A record is one message on its way through a batch.
type record struct {
	message *Message
	route   *route // nil: nothing handles it
	at      int32  // its index in the batch
	next    int32  // the next record of its lane; -1 ends the lane

	result // belongs to the goroutine that runs the lane

	// What Deliver reports; guarded by slots.mu. A record starts as failed.
	settled bool
	failure error
	delay   time.Duration
	end     func(error, *Dead) // of Observer.Message

	begun bool // the observer knows of it
}

// A lane is a run of records that are handled one after the other.
type lane struct {
	first, last int32
	ordered     bool // a group: a failure stops what follows
}

// plan routes the messages and puts them into lanes: one for each group, for
// each batch route, and for each other message.
func (b *batch) plan(messages []*Message) {
	b.lanes = make([]lane, 0, len(messages))
	var groups map[string]int
	var routes map[*route]int
	for i, m := range messages {
		if b.router.Unmarshal != nil {
			m.unmarshal = b.router.Unmarshal
		}
		rec := &b.records[i]
		rec.message, rec.at, rec.next, rec.failure = m, int32(i), -1, ErrUnfinished
		if m.Err != nil {
			rec.err = &decodeError{m.Err}
		} else {
			rec.route, rec.err = b.router.find(m)
		}
		if m.Group != "" {
			if !join(b, &groups, m.Group, i) {
				b.lanes = append(b.lanes, lane{first: rec.at, last: rec.at, ordered: true})
			}
			continue
		}
		if rec.route == nil || !rec.route.batch || !join(b, &routes, rec.route, i) {
			b.lanes = append(b.lanes, lane{first: rec.at, last: rec.at})
		}
	}
	b.open = len(b.lanes)
}

// join adds record i to the lane that is known by key. When there is none it
// notes that the next lane will be, and reports false.
func join[K comparable](b *batch, known *map[K]int, key K, i int) bool {
	at, ok := (*known)[key]
	if !ok {
		if *known == nil {
			*known = make(map[K]int)
		}
		(*known)[key] = len(b.lanes)
		return false
	}
	l := &b.lanes[at]
	b.records[l.last].next = int32(i)
	l.last = int32(i)
	return true
}

// runLane gives each record of a lane its turn, runs of one batch route
// together. It stops when the context is done, and in an ordered lane when a
// record goes back; what is left stays failed.
func (b *batch) runLane(index int) {
	l := b.lanes[index]
	for at := l.first; at >= 0; {
		if b.ctx.Err() != nil {
			return
		}
		first := &b.records[at]
		t := &turn{batch: b, lane: index, ordered: l.ordered, route: first.route}
		t.one[0] = first
		t.records = t.one[:]
		at = first.next
		if first.route != nil && first.route.batch {
			for at >= 0 && b.records[at].route == first.route {
				t.records = append(t.records, &b.records[at])
				at = b.records[at].next
			}
		}
		t.run()
		if !l.ordered {
			b.settle(t.records...)
			continue
		}
		done := t.leading()
		b.settle(t.records[:done]...)
		if done == len(t.records) {
			continue
		}
		if done == 0 || t.records[done-1].state != dead {
			b.settle(t.records[done])
			b.block(t.records[done].next)
			return
		}
		// What stood behind a dead message of its group gets a turn of its own.
		at = t.records[done].at
		for _, rec := range t.records[done:] {
			rec.result = result{}
		}
	}
}

// settle makes the results of records final, unless Deliver has returned.
func (b *batch) settle(records ...*record) {
	for _, rec := range records {
		b.mu.Lock()
		if b.closed || rec.settled {
			b.mu.Unlock()
			continue
		}
		rec.settled = true
		rec.failure, rec.delay = nil, 0
		if rec.state == waiting {
			if rec.err == nil {
				rec.err = ErrUnfinished // a failure without a word is one, too
			}
			rec.failure, rec.delay = rec.err, rec.after
		}
		end := rec.end
		b.mu.Unlock()
		b.router.ended(b.ctx, rec.message, rec.route, rec.err, rec.found, end)
	}
}

// block says of the records from at on why they do not run.
func (b *batch) block(at int32) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return
	}
	for ; at >= 0; at = b.records[at].next {
		b.records[at].failure = errBlocked
	}
}

// isClosed reports whether Deliver has returned.
func (b *batch) isClosed() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.closed
}

// close refuses what comes later and returns what is not done.
func (b *batch) close() []Failure {
	b.mu.Lock()
	b.abandon()
	var failures []Failure
	for i := range b.records {
		if rec := &b.records[i]; rec.failure != nil {
			failures = append(failures, Failure{Message: rec.message, Err: rec.failure, After: rec.delay})
		}
	}
	b.mu.Unlock()
	if failures != nil {
		// What is closed does not change any more.
		for i := range b.records {
			if rec := &b.records[i]; !rec.settled {
				b.router.ended(b.ctx, rec.message, rec.route, rec.failure, nil, rec.end)
			}
		}
	}
	return failures
}

// abandon refuses what comes later, and wakes who waits. The caller holds mu.
func (b *batch) abandon() {
	if !b.closed {
		b.closed = true
		close(b.over)
	}
}
