package eventfx

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
)

// On sends the messages of src to h, one at a time. The first source that
// matches wins, in the order of registration.
//
// A nil error means that the message is done. Any other error is transient
// (the message is run again while attempts and deadline allow, and then goes
// back to its source) unless it is Permanent; RetryAfter asks for a delay. A
// panic is a transient failure. The context ends before the host's deadline;
// h should return soon after. h is called from several goroutines when
// Router.Concurrency or the host asks for it.
//
// On panics when h is nil, when a source of the same name is registered, and
// after the first delivery.
func On[T any](r *Router, src Source[T], h func(context.Context, Event[T]) error, opts ...RouteOption) {
	site := caller()
	err := register(r, src, h == nil, site, opts, false, func(ctx context.Context, d *Delivery) error {
		m := d.Messages[0]
		data, err := src.Decode(m)
		if err != nil {
			return &decodeError{err}
		}
		return h(ctx, Event[T]{Message: m, Data: data})
	})
	if err != nil {
		panic(err)
	}
}

// OnBatch sends the messages of src to h together: all of one call of Deliver
// that have no group, and each run of consecutive messages of one group. An
// error of h fails the events that it did not fail by Batch.Fail; a retry gets
// the losers only. Everything else is as for On.
func OnBatch[T any](r *Router, src Source[T], h func(context.Context, *Batch[T]) error, opts ...RouteOption) {
	site := caller()
	err := register(r, src, h == nil, site, opts, true, func(ctx context.Context, d *Delivery) error {
		return handleBatch(ctx, d, src.Decode, h)
	})
	if err != nil {
		panic(err)
	}
}

// A decodeError is a failure of Source.Decode.
type decodeError struct{ err error }

func (e *decodeError) Error() string   { return "decode: " + e.err.Error() }
func (e *decodeError) Unwrap() error   { return e.err }
func (e *decodeError) Permanent() bool { return true }

// A route is a source with its handler and policy.
type route struct {
	name  string
	site  string // the file and line of its registration
	match func(*Message) bool
	batch bool
	run   Handler // decodes and calls the user's handler

	use        []Middleware
	once       *Once
	deadLetter *DeadLetter
	retry      *Retry
	timeout    *Timeout

	// bound at the first delivery, from the above and the router's
	policy policy
}

func (mw Middleware) route(r *route) { r.use = append(r.use, mw) }
func (o Once) route(r *route)        { r.once = &o }
func (d DeadLetter) route(r *route)  { r.deadLetter = &d }
func (p Retry) route(r *route)       { r.retry = &p }
func (t Timeout) route(r *route)     { r.timeout = &t }

// A routeTable is what On adds to and the first delivery closes.
type routeTable struct {
	routes   []*route
	closed   atomic.Bool
	close    sync.Once
	fallback *route // Router.Default
	noRoute  *route // carries the policy for what has no handler
}

// caller returns the place of the call of the exported function above.
func caller() string {
	_, file, line, ok := runtime.Caller(2)
	if !ok {
		return "unknown place"
	}
	return fmt.Sprintf("%s:%d", file, line)
}

func register[T any](r *Router, src Source[T], noHandler bool, site string, opts []RouteOption, batch bool, run Handler) error {
	if src == nil {
		return fmt.Errorf("eventfx: nil source registered at %s", site)
	}
	name := src.String()
	switch {
	case name == "":
		return fmt.Errorf("eventfx: source %T without a name registered at %s: its String method must not return an empty string", src, site)
	case noHandler:
		return fmt.Errorf("eventfx: nil handler for %s registered at %s", name, site)
	case r.table.closed.Load():
		return fmt.Errorf("eventfx: %s registered at %s after the first delivery: register all routes before", name, site)
	}
	for _, other := range r.table.routes {
		if other.name == name {
			return fmt.Errorf("eventfx: %s registered twice: at %s and at %s", name, other.site, site)
		}
	}
	added := &route{name: name, site: site, match: src.Match, batch: batch, run: run}
	for _, opt := range opts {
		if mw, ok := opt.(Middleware); opt == nil || ok && mw == nil {
			return errors.New("eventfx: nil option for " + name + " registered at " + site)
		}
		opt.route(added)
	}
	r.table.routes = append(r.table.routes, added)
	return nil
}

// WithoutDeadLetter names the routes that have no dead letter for what cannot
// succeed, by their sources; "default" is Router.Default, and "none" stands for
// messages that no route takes or that could not be read. A host whose source
// cannot be told to drop a message asks before it starts.
func (r *Router) WithoutDeadLetter() []string {
	var names []string
	for _, rt := range r.table.routes {
		if rt.deadLetter != nil && *rt.deadLetter == nil || rt.deadLetter == nil && r.DeadLetter == nil {
			names = append(names, rt.name)
		}
	}
	if r.DeadLetter == nil {
		if r.Default != nil {
			names = append(names, "default")
		}
		names = append(names, "none")
	}
	return names
}

// freeze binds the policy of each route, once: what Router.Once and the
// middleware keep per Handler is then kept for the router's life.
func (r *Router) freeze() {
	r.table.close.Do(func() {
		r.table.closed.Store(true)
		if r.Default != nil {
			r.table.fallback = &route{name: "default", run: r.Default}
			r.bind(r.table.fallback)
		}
		r.table.noRoute = &route{name: "none"}
		r.bind(r.table.noRoute)
		for _, rt := range r.table.routes {
			r.bind(rt)
		}
	})
}

func (r *Router) bind(rt *route) {
	rt.policy = policy{retry: r.Retry, timeout: r.Timeout, deadLetter: r.DeadLetter}
	if rt.retry != nil {
		rt.policy.retry = *rt.retry
	}
	if rt.timeout != nil {
		rt.policy.timeout = *rt.timeout
	}
	if rt.deadLetter != nil {
		rt.policy.deadLetter = *rt.deadLetter
	}
	if rt.run == nil {
		return
	}
	handler := rt.run
	for _, mw := range slices.Backward(slices.Concat(r.Use, rt.use)) {
		if handler = mw(handler); handler == nil {
			panic(fmt.Errorf("eventfx: middleware returned a nil Handler for %s", rt.name))
		}
	}
	rt.policy.handler = handler

	once := r.Once
	if rt.once != nil {
		once = *rt.once
	}
	if once != nil {
		if rt.policy.once = once(runPolicy); rt.policy.once == nil {
			panic(fmt.Errorf("eventfx: a Once returned a nil Handler for %s", rt.name))
		}
	}
}

// find returns the route of m: the first that matches, Router.Default, or nil.
func (r *Router) find(m *Message) (found *route, err error) {
	defer func() {
		if value := recover(); value != nil {
			found, err = nil, newPanicError(value)
		}
	}()
	for _, rt := range r.table.routes {
		if rt.match(m) {
			return rt, nil
		}
	}
	if r.table.fallback != nil {
		return r.table.fallback, nil
	}
	return nil, ErrNoRoute
}
