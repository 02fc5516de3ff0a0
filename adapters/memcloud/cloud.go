package memcloud

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"
)

// Region and Account are in every ARN of every cloud.
const (
	Region  = "eu-west-1"
	Account = "123456789012"
)

// ErrClosed is the error of a call to a cloud that is closed.
var ErrClosed = errors.New("memcloud: the cloud is closed")

// T is the part of testing.TB that a cloud needs.
type T interface {
	Cleanup(func())
	Errorf(format string, args ...any)
	Failed() bool
	Helper()
	Logf(format string, args ...any)
}

// Options configure a cloud. The zero value is right for a local program.
type Options struct {
	// T is told of wrong use and of scenarios that never settle, gets the
	// timeline when the test failed, and closes the cloud. Without it wrong
	// use panics, Close must be called, and the timeline forgets: it keeps the
	// last 10,000 steps.
	T T

	// Seed determines all ids. Equal seeds and equal programs give equal
	// timelines in a synctest bubble.
	Seed uint64

	// Faults has misfortunes happen, computed from the seed. nil: none.
	Faults *Faults

	// MaxSteps is how many steps one Settle may take beyond those that the
	// messages at its start account for, and a tenth of what the cloud may
	// take within one second of its time. 0 means 100,000, which is less than
	// a second of real time.
	MaxSteps int
}

// A Cloud is one account in one region: resources, and the loop that owns
// their state. Its methods and those of its resources may be called from any
// number of goroutines.
type Cloud struct {
	t        T
	seed     uint64
	maxSteps int
	start    time.Time // the instant of offset 0

	// The base of all invocations' contexts is made by New, inside the bubble:
	// a context from outside would be fatal there.
	base   context.Context
	cancel context.CancelFunc

	wake    chan struct{} // capacity 1
	stopped chan struct{} // closed when the loop is over
	halting chan struct{} // closed when the cloud is halted
	drained chan struct{} // capacity 1: told when the last invocation of a closed cloud returned

	mu      sync.Mutex // never held over user code, a channel or a timer
	inbox   []*call
	closing bool
	idle    []*worker
	working map[*invocation]struct{}
	onClose []func()

	// All below is the loop's own; after the loop, it is read under mu.
	now      time.Duration
	pending  []*call
	events   eventHeap
	sequence uint64
	settle   settling
	live     map[*invocation]struct{} // those that are not over
	faults   *misfortune              // nil: none
	slow     map[*call]struct{}       // those that a fault keeps waiting
	numbers  map[string]int
	steps    stepList
	halted   string

	functions  map[string]*Function
	queues     map[string]*Queue
	buckets    map[string]*Bucket
	tables     map[string]*Table
	topics     map[string]*Topic
	schedules  map[string]*Schedule
	buses      map[string]*EventBus
	schedulers map[string]*Scheduler // by group and name
}

// New returns a cloud for the test t, which is closed by t.Cleanup. When t has
// failed by then, the timeline is written to its log. In a synctest bubble,
// call New inside.
func New(t T) *Cloud { return Open(&Options{T: t}) }

// Open returns a cloud, for a local program or with options. nil means the
// zero Options.
func Open(o *Options) *Cloud {
	if o == nil {
		o = &Options{}
	}
	c := &Cloud{
		t: o.T, seed: o.Seed, maxSteps: o.MaxSteps, start: time.Now(),
		wake: make(chan struct{}, 1), stopped: make(chan struct{}), halting: make(chan struct{}), drained: make(chan struct{}, 1),
		working: map[*invocation]struct{}{}, live: map[*invocation]struct{}{}, numbers: map[string]int{}, faults: newMisfortune(o.Faults), slow: map[*call]struct{}{},
		functions: map[string]*Function{}, queues: map[string]*Queue{}, buckets: map[string]*Bucket{},
		tables: map[string]*Table{}, topics: map[string]*Topic{}, schedules: map[string]*Schedule{},
		buses: map[string]*EventBus{}, schedulers: map[string]*Scheduler{},
	}
	if c.t == nil {
		c.steps.limit = untestedSteps
	}
	if c.maxSteps <= 0 {
		c.maxSteps = 100_000
	}
	c.base, c.cancel = context.WithCancel(context.Background())
	go c.loop()
	if c.t != nil {
		c.t.Cleanup(func() {
			c.t.Helper()
			if err := c.Close(); err != nil {
				c.t.Errorf("%v", err)
			}
			if c.t.Failed() {
				steps := c.Steps()
				for _, loss := range losses(steps) {
					c.t.Logf("memcloud: %s", loss)
				}
				c.t.Logf("memcloud timeline:\n%s", elided(steps, 200))
			}
		})
	}
	return c
}

// OnClose registers f to be called when the cloud is closed, the last
// registered first, while it still answers calls.
func (c *Cloud) OnClose(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.onClose = append(c.onClose, f)
}

// Close stops the cloud: contexts of running invocations are cancelled, calls
// return ErrClosed. It waits up to a minute for invocations to return, and
// its error names those that do not. The timeline and what the resources hold
// can still be read. Further calls of Close do nothing.
func (c *Cloud) Close() error {
	for {
		c.mu.Lock()
		n := len(c.onClose)
		if n == 0 {
			break
		}
		f := c.onClose[n-1]
		c.onClose = c.onClose[:n-1]
		c.mu.Unlock()
		f()
	}
	c.closing = true
	c.mu.Unlock()
	c.nudge()
	<-c.stopped

	limit := time.NewTimer(time.Minute)
	defer limit.Stop()
	for {
		stuck := c.stuck()
		if len(stuck) == 0 {
			select {
			case c.drained <- struct{}{}: // for another Close that waits
			default:
			}
			return nil
		}
		select {
		case <-c.drained:
		case <-limit.C:
			return fmt.Errorf("memcloud: still running a minute after the close, deaf to their contexts: %q", stuck)
		}
	}
}

// stuck names the functions that have not returned yet.
func (c *Cloud) stuck() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	names := map[string]bool{}
	for inv := range c.working {
		names[inv.function.name] = true
	}
	return slices.Sorted(maps.Keys(names))
}

// Now returns the time since the cloud was made, as the timeline shows it.
func (c *Cloud) Now() time.Duration { return c.clock() }

// Advance lets d pass: by the bubble's clock at once, else in real time. What
// is due by then has begun when it returns; Settle waits until it is over. It
// ends early when the cloud is closed.
func (c *Cloud) Advance(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-c.stopped:
	}
	c.look(func() {})
}

// wire runs f in the loop and panics when it fails: for the set-up of
// resources, where a mistake is the program's.
func (c *Cloud) wire(f func() error) {
	if err := c.do(own, "", f); err != nil {
		panic(err)
	}
}

// misuse reports a wrong call that has no error to return. It is called in
// the test's goroutine where that can be.
func (c *Cloud) misuse(err error) {
	if err == nil || errors.Is(err, ErrClosed) {
		return
	}
	if c.t == nil {
		panic(err)
	}
	c.t.Helper()
	c.t.Errorf("%v", err)
}

// register puts a resource under its name.
func register[R any](resources map[string]R, kind, name string, r R) error {
	if name == "" {
		return fmt.Errorf("memcloud: a %s needs a name", kind)
	}
	if _, ok := resources[name]; ok {
		return fmt.Errorf("memcloud: there are two %ss named %q: take the one that was made first", kind, name)
	}
	resources[name] = r
	return nil
}

// known returns AWS's answer to a resource that is not there: one that is nil,
// or that another cloud has made, whose state is not this loop's to touch.
func (c *Cloud) known(resource any) error {
	var of *Cloud
	code, message := "ResourceNotFoundException", "The specified resource does not exist"
	switch r := resource.(type) {
	case *Queue:
		code, message = "AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist"
		if r != nil {
			of = r.cloud
		}
	case *Topic:
		code, message = "NotFound", "Topic does not exist"
		if r != nil {
			of = r.cloud
		}
	case *Bucket:
		code, message = "NoSuchBucket", "The specified bucket does not exist"
		if r != nil {
			of = r.cloud
		}
	case *Function:
		if r != nil {
			of = r.cloud
		}
	case *Table:
		if r != nil {
			of = r.cloud
		}
	case *EventBus:
		if r != nil {
			of = r.cloud
		}
	case *Schedule:
		if r != nil {
			of = r.cloud
		}
	case *Scheduler:
		if r != nil {
			of = r.cloud
		}
	case *forwarder:
		return c.known(r.to)
	case nil:
	default: // a type that embeds one of these
		return &Error{fmt.Sprintf("%T", resource), "ValidationException", "is no resource of a cloud"}
	}
	switch of {
	case c:
		return nil
	case nil:
		return &Error{fmt.Sprintf("%T", resource), code, message + ": it is nil"}
	}
	return &Error{resource.(Destination).Name(), code, message + ": it is in another cloud"}
}

// An Error is what AWS would answer to a wrong or unlucky request.
type Error struct {
	Resource string // the name of the queue, bucket, table...
	Code     string // AWS's: "NoSuchKey", "ConditionalCheckFailedException"
	Message  string
}

func (e *Error) Error() string {
	return "memcloud: " + e.Resource + ": " + e.Code + ": " + e.Message
}
