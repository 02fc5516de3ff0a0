package memcloud

import (
	"strconv"
	"strings"
)

// A Fault is a kind of misfortune: something that AWS's documentation leaves
// possible and that hardly ever happens while somebody watches.
type Fault string

// The kinds of faults. Each strikes at sites of its own, see Faults.
const (
	// Duplicate delivers a message of a standard queue, an asynchronous event,
	// a bucket's notification, what a rule sends, a tick or a stream's batch a
	// second time.
	Duplicate Fault = "duplicate"
	// Reorder has two messages of a standard queue change places.
	Reorder Fault = "reorder"
	// Delay keeps a message, an asynchronous event, a bucket's notification,
	// what a rule sends or a tick back for a while, and has a batch with a
	// short window wait for 20 s.
	Delay Fault = "delay"
	// ShortPollMiss has a receive that does not wait find nothing.
	ShortPollMiss Fault = "short-poll-miss"
	// Throttle refuses an invocation for want of concurrency.
	Throttle Fault = "throttle"
	// CrashBefore ends a function's process before it begins, or before one of
	// its calls that change something takes effect.
	CrashBefore Fault = "crash-before"
	// CrashAfter ends a function's process right after such a call.
	CrashAfter Fault = "crash-after"
	// LostAnswer loses the answer of a function that has done its work: its
	// source sees a failure.
	LostAnswer Fault = "lost-answer"
	// Overrun has a function that has done its work meet its timeout before it
	// answers.
	Overrun Fault = "overrun"
	// ShardSplit splits the shard of a stream.
	ShardSplit Fault = "shard-split"
	// DeadLetterFails loses what AWS itself writes to a dead-letter queue or a
	// destination of a function, a stream or a schedule.
	DeadLetterFails Fault = "dead-letter-fails"
	// CallFails refuses a call to a resource: nothing has happened. Lambda's own
	// deletes after a batch are such calls.
	CallFails Fault = "call-fails"
	// CallSlow lets a call to a resource take seconds.
	CallSlow Fault = "call-slow"
	// CallAnswerLost has a call to a resource take effect, and fail.
	CallAnswerLost Fault = "call-answer-lost"
)

// Faults has misfortunes happen. Which ones is computed from the seed, the
// kind, the site and how often that kind could have struck there before: taking
// one away leaves the others where they are.
//
// A fault that has happened is named by these: "crash-after@ship/put/uploads#3"
// ended the process of the function ship after its third put to uploads.
type Faults struct {
	// Kinds are those that may happen. None means all.
	Kinds []Fault

	// Rate is how likely each is, at each opportunity, from 0 to 1. 0 means
	// 0.05.
	Rate float64

	// Only has just these happen, by name, whatever Kinds and Rate say. An
	// empty list that is not nil means none: then opportunities are counted
	// and nothing happens.
	Only []string
}

// misfortune is the state of the faults, the loop's own.
type misfortune struct {
	kinds    map[Fault]bool // nil: all
	limit    uint64         // a hash below it strikes
	only     map[string]bool
	counts   map[string]int
	chances  []string
	happened []string
	effects  int // calls of code under test that would change something
}

func newMisfortune(f *Faults) *misfortune {
	if f == nil {
		return nil
	}
	m := &misfortune{counts: map[string]int{}}
	rate := f.Rate
	if rate == 0 {
		rate = 0.05
	}
	m.limit = uint64(min(max(rate, 0), 1) * (1 << 53))
	for _, kind := range f.Kinds {
		if m.kinds == nil {
			m.kinds = map[Fault]bool{}
		}
		m.kinds[kind] = true
	}
	if f.Only != nil {
		m.only = map[string]bool{}
		for _, name := range f.Only {
			m.only[name] = true
		}
	}
	return m
}

// fault reports whether a fault of the kind happens now, at a site that is
// named by the resource and what is done there. It is called in the loop, once
// for each opportunity. Nothing about a message may be part of the site: ids
// change when another fault is taken away.
func (c *Cloud) fault(kind Fault, site ...string) bool {
	m := c.faults
	if m == nil || m.kinds != nil && !m.kinds[kind] {
		return false
	}
	place := string(kind) + "@" + strings.Join(site, "/")
	m.counts[place]++
	n := m.counts[place]
	name := place + "#" + strconv.Itoa(n)
	if m.only != nil {
		m.chances = append(m.chances, name)
		if !m.only[name] {
			return false
		}
	} else if c.hash("fault "+place, n)>>11 >= m.limit {
		return false
	}
	m.happened = append(m.happened, name)
	c.note(site[0], "FAULT", entity{name: name}, "")
	return true
}

// pick returns a number below n, for the size of a fault that has happened. It
// belongs to the fault: see Faults.
func (c *Cloud) pick(n int) int {
	m := c.faults
	return int(c.hash("size "+m.happened[len(m.happened)-1], 0) % uint64(n))
}

// Faults returns the names of the faults that have happened, in order.
func (c *Cloud) Faults() []string {
	var names []string
	c.look(func() {
		if c.faults != nil {
			names = append(names, c.faults.happened...)
		}
	})
	return names
}
