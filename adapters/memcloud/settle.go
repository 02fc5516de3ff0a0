package memcloud

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// settling is what Settle waits for and what it counts meanwhile.
type settling struct {
	foreground int           // events in the heap that count as work
	waiting    []chan string // get why the cloud was halted, or ""
	since      time.Duration // quiet since this instant; valid if quiet
	quiet      bool

	steps, budget int
	first         int // c.steps.count when the count began

	second      time.Duration // steps are counted within one second, too
	secondSteps int
}

// maxDeliveries bounds how often one message or batch comes back before the
// cloud says that it will for ever. AWS allows no redrive policy above it.
const maxDeliveries = 1000

// Settle waits until nothing more can happen by itself: no message is to be
// delivered or redelivered, no retry is due, no function runs. Ticks of
// schedules do not count, see Advance; nor does what goroutines of the test
// will do later. In a bubble hours pass at once; outside Settle takes the
// time that it takes.
//
// A scenario that never settles stops the cloud and fails the test with the
// reason.
func (c *Cloud) Settle() {
	if c.t != nil {
		c.t.Helper()
	}
	settled := make(chan string, 1)
	open := c.look(func() {
		if len(c.settle.waiting) == 0 {
			c.settle.steps, c.settle.first = 0, c.steps.count
			c.settle.budget = c.maxSteps + 32*c.backlog()
		}
		c.settle.waiting = append(c.settle.waiting, settled)
		c.settle.quiet = false
	})
	if !open {
		return
	}
	if halted := <-settled; halted != "" && c.t == nil {
		panic("memcloud: " + halted)
	}
}

// backlog returns the messages that are there to be worked on.
func (c *Cloud) backlog() int {
	n := len(c.pending)
	for _, q := range c.queues {
		n += len(q.messages)
	}
	for _, t := range c.tables {
		n += t.backlog()
	}
	return n
}

// settleCheck releases those who wait for Settle when all is quiet, an
// instant after it became so: a goroutine that a handler left behind may
// still be about to call. It returns when to look again.
func (c *Cloud) settleCheck() time.Duration {
	s := &c.settle
	if len(s.waiting) == 0 {
		return never
	}
	if c.halted == "" && (len(c.pending) > 0 || len(c.live) > 0 || s.foreground > 0 || c.awaitsReturn()) {
		s.quiet = false
		return never
	}
	now := c.clock()
	if !s.quiet {
		s.quiet, s.since = true, now
		return now + 1
	}
	if now <= s.since {
		return now + 1
	}
	for _, waiting := range s.waiting {
		waiting <- c.halted
	}
	s.waiting, s.quiet = nil, false
	return never
}

// awaitsReturn reports whether a message will become visible in a queue that
// somebody reads.
func (c *Cloud) awaitsReturn() bool {
	for _, q := range c.queues {
		if q.watched() && q.returning > 0 {
			return true
		}
	}
	return false
}

// countStep stops the cloud when it goes round in circles. In a bubble an
// endless exchange takes a nanosecond a step: without a limit for one second
// of its time, the instant for which a test waits would never come.
func (c *Cloud) countStep() {
	s := &c.settle
	s.quiet = false
	if second := c.now.Truncate(time.Second); second != s.second {
		s.second, s.secondSteps = second, 0
	}
	if s.secondSteps++; s.secondSteps > 10*c.maxSteps {
		c.halt(fmt.Sprintf("%d steps within one second; most of all: %s", s.secondSteps-1, c.busiest(0)))
	}
	if len(s.waiting) == 0 {
		return
	}
	if s.steps++; s.steps > s.budget {
		c.halt(fmt.Sprintf("never settles: %d steps; most of all: %s", s.steps-1, c.busiest(s.first)))
	}
}

// halt stops the cloud: nothing happens by itself any more, and calls fail.
func (c *Cloud) halt(reason string) {
	if c.halted != "" {
		return
	}
	c.halted = reason
	close(c.halting)
	c.note("cloud", "halt", entity{}, reason)
	c.releaseSlow(c.haltedError())
	if c.t != nil {
		c.t.Errorf("memcloud: %s", reason)
	}
}

func (c *Cloud) haltedError() error {
	return &Error{Resource: "cloud", Code: "Halted", Message: c.halted}
}

// busiest names what happened most often from step first on.
func (c *Cloud) busiest(first int) string {
	type kind struct{ resource, action string }
	counts := map[kind]int{}
	for s := range c.steps.from(first) {
		counts[kind{s.resource, s.action}]++
	}
	names := make([]string, 0, len(counts))
	for k, n := range counts {
		names = append(names, fmt.Sprintf("%9d × %s %s", n, k.resource, k.action))
	}
	slices.Sort(names)
	slices.Reverse(names)
	for i, name := range names {
		names[i] = strings.TrimSpace(name)
	}
	return strings.Join(names[:min(5, len(names))], ", ")
}
