package pubsubhost

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/googleapis/gax-go/v2"
	"gocloud.dev/pubsub"

	"github.com/eventfx/eventfx-go/eventfx"
)

// Run receives the messages of s and delivers them by r until ctx is done. nil
// options are the zero Options.
//
// When ctx is done nothing more is received, what was fetched and not started
// goes back at once, and handlers go on until Options.Drain is over; then their
// contexts end. Run shuts the subscription down, which sends what is still to
// be acknowledged, and returns nil.
//
// Any other error says what is wrong with the Options, why the subscription
// broke when there is no Options.Open, or that acknowledgements could not be
// sent at the end: those messages come again.
func Run(ctx context.Context, s *pubsub.Subscription, r *eventfx.Router, opts *Options) error {
	if r == nil {
		panic("pubsubhost: nil Router")
	}
	if opts == nil {
		opts = &Options{}
	}
	c, err := opts.settings(s)
	if err != nil {
		return err
	}
	w := &worker{settings: c, router: r, changed: make(chan struct{}, 1), owners: make(map[string]*batch), waiting: make(map[*item]*time.Timer)}
	w.ctx, w.halt = context.WithCancel(ctx)
	defer w.halt()
	w.handling, w.end = context.WithCancelCause(context.WithoutCancel(ctx))
	defer w.end(nil)
	if s != nil {
		w.source = &source{face: s, opened: time.Now()}
	}
	c.Health.attach(w)
	defer c.Health.detach(w)
	return errors.Join(w.receive(), w.stop())
}

// A worker is one call of Run.
type worker struct {
	*settings
	router *eventfx.Router

	ctx      context.Context // done at the stop
	halt     context.CancelFunc
	handling context.Context // of all handlers: done when the drain is over
	end      context.CancelCauseFunc

	// Those who receive and stop, one after the other.
	source   *source
	pause    gax.Backoff
	fetching bool // the last receive ended before what it asked for had come

	changed    chan struct{} // something below has changed: wakes the one who waits
	background sync.WaitGroup

	mu        sync.Mutex // never held while anything waits
	stopping  bool
	broken    error // why nothing is received just now
	inHand    int   // received and not answered, without those in waiting
	running   int   // batches
	gathering *batch
	held      []*item           // waiting for one before them of the same key
	owners    map[string]*batch // by the keys of the batches that gather or run
	waiting   map[*item]*time.Timer
	progress  time.Time // when something was last received or answered
}

// A source is a subscription with what was received of it: that is answered
// there, also when another has taken its place.
type source struct {
	face   *pubsub.Subscription
	opened time.Time

	inHand  int  // with those in waiting; guarded by worker.mu
	retired bool // no longer received from; guarded by worker.mu
}

// shutdownLimit is how long what is to be acknowledged may take to be sent.
const shutdownLimit = 5 * time.Second

var errDrained = errors.New("pubsubhost: the time to drain is over")

// receive takes messages until ctx is done.
func (w *worker) receive() error {
	if w.source == nil {
		if err := w.connect(nil); err != nil {
			return err
		}
	}
	for w.room() {
		m, err := w.source.face.Receive(w.ctx)
		switch {
		case err == nil:
			w.pause = gax.Backoff{}
			w.take(w.source, m)
		case w.ctx.Err() != nil:
			w.fetching = true
			return nil
		default:
			if err := w.connect(err); err != nil {
				return err
			}
		}
	}
	return nil
}

// room waits until another message has a place, and reports false at the stop.
func (w *worker) room() bool {
	for w.ctx.Err() == nil {
		w.mu.Lock()
		free := w.inHand < w.limit() && (w.gathering == nil || len(w.gathering.items) < w.BatchSize)
		w.mu.Unlock()
		if free {
			return true
		}
		select {
		case <-w.changed:
		case <-w.ctx.Done():
		}
	}
	return false
}

// connect opens the subscription, or again when it broke by cause. It waits ever
// longer while that does not help, and ends without an error at the stop.
func (w *worker) connect(cause error) error {
	if cause != nil {
		if w.Open == nil {
			return fmt.Errorf("pubsubhost: the subscription is broken, and Options.Open is not set: %w", cause)
		}
		slog.Error("pubsubhost: the subscription is broken; it will be opened again", "queue", w.Queue, "error", cause)
		w.setBroken(cause)
		if time.Since(w.source.opened) > time.Minute {
			w.pause = gax.Backoff{} // it had been well
		}
		w.retire(w.source)
	}
	for again := cause != nil; ; again = true {
		if again && !w.sleep() {
			return nil
		}
		face, err := w.Open(w.ctx)
		switch {
		case err == nil && face != nil:
			w.source = &source{face: face, opened: time.Now()}
			w.setBroken(nil)
			return nil
		case err == nil:
			return errors.New("pubsubhost: Options.Open returned neither a subscription nor an error")
		case w.ctx.Err() != nil:
			return nil
		}
		slog.Error("pubsubhost: the subscription cannot be opened", "queue", w.Queue, "error", err)
		w.setBroken(err)
	}
}

// sleep waits before a subscription is opened again, and reports false at the
// stop.
func (w *worker) sleep() bool {
	if w.pause.Initial == 0 {
		w.pause = gax.Backoff{Initial: 200 * time.Millisecond, Max: 30 * time.Second, Multiplier: 2}
	}
	return pauseFor(w.ctx, w.pause.Pause())
}

// pauseFor reports false when ctx is done before d has passed.
func pauseFor(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func (w *worker) setBroken(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.broken = err
}

// retire has a broken subscription shut down when all that was received from
// it is answered.
func (w *worker) retire(s *source) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s.retired = true
	w.shutRetired(s)
}

// shutRetired is called with mu held.
func (w *worker) shutRetired(s *source) {
	if !s.retired || s.inHand > 0 {
		return
	}
	w.background.Go(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(w.ctx), shutdownLimit)
		defer cancel()
		if err := s.face.Shutdown(ctx); err != nil {
			slog.Warn("pubsubhost: what was handled may come again: the broken subscription could not be shut down", "queue", w.Queue, "error", err)
		}
	})
}

// wake is called when there may be room, or nothing left to wait for.
func (w *worker) wake() {
	select {
	case w.changed <- struct{}{}:
	default:
	}
}
