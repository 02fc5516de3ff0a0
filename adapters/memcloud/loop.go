package memcloud

import (
	"cmp"
	"container/heap"
	"context"
	"math"
	"slices"
	"time"
)

// The loop owns all state. Three rules make one program in a bubble take the
// same steps each time it runs:
//
//   - A call is stamped when it is made, and executed only at an instant later
//     than its stamp. Time in a bubble moves when everybody is blocked, so by
//     then all calls of the instant have come.
//   - Calls of one instant are executed in an order of their own making (see
//     compareCalls), not in that of their arrival.
//   - Events of the cloud itself are ordered by time and by their making.
//
// There is no exception: a call may not be executed at once because nothing
// else happens to be going on.

// A call is work for the loop from outside.
type call struct {
	at    time.Duration // the stamp
	owner *invocation   // nil: not made by a handler
	lane  int
	key   string // what the call says: orders calls of one lane
	f     func() error
	err   error
	done  chan struct{} // nil: nobody waits
	looks bool          // changes nothing
	own   bool          // made by the test itself: meets no faults
}

// compareCalls orders calls: by instant, by invocation, by lane, by content.
// Sequential code has one call at a time, so calls that differ in content
// alone come from goroutines side by side. Equal calls keep their order of
// arrival: that of the test's own goroutine.
func compareCalls(a, b *call) int {
	return cmp.Or(
		cmp.Compare(a.at, b.at),
		cmp.Compare(a.owner.order(), b.owner.order()),
		cmp.Compare(a.lane, b.lane),
		cmp.Compare(a.key, b.key),
	)
}

// clock returns the time since the start.
func (c *Cloud) clock() time.Duration { return time.Since(c.start) }

// instant returns the wall time of the step that is being executed.
func (c *Cloud) instant() time.Time { return c.start.Add(c.now) }

// enter stamps the call and hands it to the loop. It reports false when the
// cloud is closed.
func (c *Cloud) enter(k *call) bool {
	c.mu.Lock()
	open := !c.closing
	if open {
		k.at = c.clock() // under the lock, so that the inbox is in order
		c.inbox = append(c.inbox, k)
	}
	c.mu.Unlock()
	if open {
		c.nudge()
	}
	return open
}

func (c *Cloud) nudge() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// do has f executed in the loop and waits for its answer. key is the content
// of the call.
func (c *Cloud) do(ctx context.Context, key string, f func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	k := c.newCall(ctx, key, f)
	k.done = make(chan struct{})
	if !c.enter(k) {
		return ErrClosed
	}
	<-k.done
	return k.err
}

// post has f executed in the loop, and does not wait.
func (c *Cloud) post(f func()) {
	c.enter(&call{lane: noLane, f: func() error { f(); return nil }})
}

// look has f executed in the loop, or here when the loop is over: for what
// only looks. It sees what was posted at its instant: keys begin with a letter.
// It reports whether the cloud is open.
func (c *Cloud) look(f func()) bool {
	k := &call{lane: noLane, key: "~", looks: true, f: func() error { f(); return nil }, done: make(chan struct{})}
	if c.enter(k) {
		if <-k.done; k.err == nil {
			return true
		}
	}
	<-c.stopped
	c.mu.Lock()
	defer c.mu.Unlock()
	f()
	return false
}

// An event is work for the loop at an instant. Settle waits for those in the
// foreground; in the background are guards of work that is going on anyway,
// ticks of schedules and expiries.
type event struct {
	at         time.Duration
	sequence   uint64
	foreground bool
	f          func()
	index      int // in the heap; -1: no longer
}

// at has f executed at t, which is not before now.
func (c *Cloud) at(t time.Duration, foreground bool, f func()) *event {
	c.sequence++
	e := &event{at: max(t, c.now), sequence: c.sequence, foreground: foreground, f: f}
	heap.Push(&c.events, e)
	if foreground {
		c.settle.foreground++
	}
	return e
}

// remove takes an event back. nil and events that are past do no harm.
func (c *Cloud) remove(e *event) {
	if e == nil || e.index < 0 {
		return
	}
	heap.Remove(&c.events, e.index)
	if e.foreground {
		c.settle.foreground--
	}
}

type eventHeap []*event

func (h eventHeap) Len() int { return len(h) }
func (h eventHeap) Less(i, j int) bool {
	if h[i].at != h[j].at {
		return h[i].at < h[j].at
	}
	return h[i].sequence < h[j].sequence
}
func (h eventHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}
func (h *eventHeap) Push(x any) {
	e := x.(*event)
	e.index = len(*h)
	*h = append(*h, e)
}
func (h *eventHeap) Pop() any {
	old := *h
	e := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	e.index = -1
	return e
}

const never = time.Duration(math.MaxInt64)

func (c *Cloud) loop() {
	defer close(c.stopped)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		closing := c.takeInbox()
		if closing {
			c.closeLoop()
			return
		}
		c.runDue(c.clock())
		if c.halted != "" {
			c.releaseReceivers()
		}
		wait := min(c.nextCall(), c.nextEvent(), c.settleCheck())
		if now := c.clock(); wait > now {
			timer.Reset(wait - now)
			select {
			case <-timer.C:
			case <-c.wake:
			}
		}
	}
}

// takeInbox moves the calls that have come to the pending ones, in order.
func (c *Cloud) takeInbox() (closing bool) {
	c.mu.Lock()
	c.pending = append(c.pending, c.inbox...)
	clear(c.inbox)
	c.inbox = c.inbox[:0]
	closing = c.closing
	c.mu.Unlock()
	if !slices.IsSortedFunc(c.pending, compareCalls) {
		slices.SortStableFunc(c.pending, compareCalls)
	}
	return closing
}

func (c *Cloud) nextCall() time.Duration {
	if len(c.pending) == 0 {
		return never
	}
	return c.pending[0].at + 1
}

func (c *Cloud) nextEvent() time.Duration {
	if len(c.events) == 0 || c.halted != "" {
		return never
	}
	return c.events[0].at
}

// runDue executes what is due by now, calls before events of one instant. An
// answer that is given at its deadline is executed after it, so a timeout
// always wins.
func (c *Cloud) runDue(now time.Duration) {
	done := 0
	for {
		next := never
		if done < len(c.pending) {
			next = c.pending[done].at + 1
		}
		if e := c.nextEvent(); e < next {
			if e > now {
				break
			}
			c.now = max(c.now, e)
			c.runEvent()
			continue
		}
		if next > now {
			break
		}
		c.now = max(c.now, next)
		c.runCall(c.pending[done])
		c.pending[done] = nil
		done++
	}
	c.pending = append(c.pending[:0], c.pending[done:]...)
}

func (c *Cloud) runCall(k *call) {
	switch {
	case k.looks:
		_ = k.f()
	case c.halted != "":
		k.err = c.haltedError()
	case k.owner != nil && k.owner.over && k.lane != answerLane:
		k.err = k.owner.ignored()
	default:
		c.settle.quiet = false
		if k.owner != nil { // the test itself may do as much as it likes
			c.countStep()
		}
		if c.faults == nil || k.own || k.lane == answerLane || k.done == nil {
			k.err = k.f()
		} else if !c.runUnlucky(k) {
			return
		}
	}
	if k.done != nil {
		close(k.done)
	}
}

func (c *Cloud) runEvent() {
	e := heap.Pop(&c.events).(*event)
	if e.foreground {
		c.settle.foreground--
	}
	c.countStep()
	e.f()
}

// releaseReceivers ends the receives that wait: nothing will come any more.
func (c *Cloud) releaseReceivers() {
	for _, q := range c.queues {
		q.releaseReceivers()
	}
}

// closeLoop ends everything that waits for the loop.
func (c *Cloud) closeLoop() {
	c.cancel()
	c.releaseReceivers()
	for _, k := range c.pending {
		k.err = ErrClosed
		if k.done != nil {
			close(k.done)
		}
	}
	c.releaseSlow(ErrClosed)
	for _, s := range c.settle.waiting {
		close(s)
	}
	c.pending, c.events, c.settle.waiting = nil, nil, nil
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, w := range c.idle {
		close(w.jobs)
	}
	c.idle = nil
}
