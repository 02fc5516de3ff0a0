package handlers

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sony/gobreaker/v2"

	"github.com/eventfx/eventfx-go/eventfx"
)

// ErrOpen says that a Breaker is open.
var ErrOpen = errors.New("handlers: the breaker is open")

// Breaker stops running handlers while what they depend on is down. It is
// closed at first; after Failures failures in a row it opens and turns every
// message away, with the time for which it stays open as the delay that it asks
// for. Then it lets Probes messages through: it closes when they succeed, and
// opens again when one fails.
//
// A batch counts once, as a failure when any of its messages is one. A panic is
// a failure. Messages that are turned away are not spun on: see the package's
// documentation.
//
// A Breaker must not be copied, nor its fields changed, once it is used.
type Breaker struct {
	// Name is what errors call the breaker: the dependency's name.
	Name string

	// Failures is how many in a row open the breaker. 0 means 5.
	Failures int

	// Open is how long it stays open. 0 means 30 s.
	Open time.Duration

	// Probes is how many messages must succeed to close it again; so many are
	// let through at once. 0 means 1.
	Probes int

	// IsFailure says whether an error of a message speaks against the
	// dependency. nil means each does but those that are permanent (the message
	// is bad, not the dependency) or wrap eventfx.ErrUnfinished or
	// context.Canceled. What is no failure counts for nothing.
	IsFailure func(error) bool

	// Changed is told of each change between "closed", "open" and "half-open".
	// It is called while the breaker is locked: it must return soon and not
	// use the breaker.
	Changed func(from, to string)

	once  sync.Once
	gate  *gobreaker.TwoStepCircuitBreaker[struct{}]
	until atomic.Pointer[time.Time] // how long it is open
}

// Wrap is eventfx.Middleware.
func (b *Breaker) Wrap(next eventfx.Handler) eventfx.Handler {
	b.once.Do(b.build)
	return func(ctx context.Context, d *eventfx.Delivery) error {
		report, err := b.gate.Allow()
		if err != nil {
			return b.refuse(err)
		}
		// A handler that panics or ends its goroutine has answered nothing.
		verdict := errNoAnswer
		defer func() { report(verdict) }()
		asked := eventfx.Delivery{Messages: d.Messages}
		err = next(ctx, d)
		verdict = b.judge(&asked, err)
		return err
	}
}

var errNoAnswer = errors.New("no answer")
var errNotCounted = errors.New("not counted")

func (b *Breaker) open() time.Duration {
	if b.Open > 0 {
		return b.Open
	}
	return 30 * time.Second
}

func (b *Breaker) build() {
	failures := b.Failures
	if failures <= 0 {
		failures = 5
	}
	b.gate = gobreaker.NewTwoStepCircuitBreaker[struct{}](gobreaker.Settings{
		MaxRequests: uint32(max(1, b.Probes)),
		Timeout:     b.open(),
		ReadyToTrip: func(c gobreaker.Counts) bool { return int64(c.ConsecutiveFailures) >= int64(failures) },
		IsExcluded:  func(err error) bool { return err == errNotCounted },
		OnStateChange: func(_ string, from, to gobreaker.State) {
			if to == gobreaker.StateOpen {
				until := time.Now().Add(b.open())
				b.until.Store(&until)
			}
			if b.Changed != nil {
				b.Changed(from.String(), to.String())
			}
		},
	})
}

// refuse is the failure of a message that the breaker does not let through.
func (b *Breaker) refuse(reason error) error {
	// While it is tried whether the dependency is back, soon is soon enough.
	delay := b.open() / 10
	if until := b.until.Load(); reason == gobreaker.ErrOpenState && until != nil {
		// It is still open at the very end of its time.
		delay = time.Until(*until) + time.Millisecond
	}
	err := ErrOpen
	if b.Name != "" {
		err = fmt.Errorf("%w: %s", ErrOpen, b.Name)
	}
	return turnAway(err, max(time.Millisecond, delay))
}

// judge returns what an answer says of the dependency: nil, errNotCounted or a
// failure.
func (b *Breaker) judge(d *eventfx.Delivery, err error) error {
	if err == nil {
		return nil
	}
	isFailure := b.IsFailure
	if isFailure == nil {
		isFailure = speaksAgainst
	}
	failures := d.Failures(err)
	for _, f := range failures {
		if isFailure(f.Err) {
			return f.Err
		}
	}
	if len(failures) < len(d.Messages) {
		return nil // the others succeeded
	}
	return errNotCounted
}

// speaksAgainst is the default of Breaker.IsFailure.
func speaksAgainst(err error) bool {
	p, ok := errors.AsType[interface {
		error
		Permanent() bool
	}](err)
	return !(ok && p.Permanent()) && !errors.Is(err, eventfx.ErrUnfinished) && !errors.Is(err, context.Canceled)
}
