package pubsubhost_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"gocloud.dev/gcerrors"
	"gocloud.dev/pubsub"
	"gocloud.dev/pubsub/batcher"
	"gocloud.dev/pubsub/driver"

	"github.com/eventfx/eventfx-go/adapters/pubsubhost"
	"github.com/eventfx/eventfx-go/eventfx"
)

// A broker is one that fails on demand. Its subscriptions may come and go; what
// one has not acknowledged when it is closed is delivered again.
type broker struct {
	mu      sync.Mutex
	ready   []*driver.Message
	acked   map[string]int
	nackOK  bool
	failAck int // of the next acknowledgements
	failGet int
	opened  int
	refuse  int // of the next opens
	flushed int
	closed  bool // a bulk finds nothing more
}

func newBroker(nackOK bool, ids ...string) *broker {
	b := &broker{acked: map[string]int{}, nackOK: nackOK}
	b.send(ids...)
	return b
}

func (b *broker) send(ids ...string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ready = append(b.ready, messages(ids...)...)
}

func messages(ids ...string) []*driver.Message {
	var all []*driver.Message
	for _, id := range ids {
		all = append(all, &driver.Message{
			LoggableID: id, AckID: id, Body: []byte(id), AsFunc: func(any) bool { return false },
		})
	}
	return all
}

var errRefused = errors.New("broker: no connection")

func (b *broker) open(context.Context) (*pubsub.Subscription, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.opened++
	if b.refuse > 0 {
		b.refuse--
		return nil, errRefused
	}
	return pubsub.NewSubscription(&reader{b, map[string]bool{}}, &batcher.Options{MaxBatchSize: 1, MaxHandlers: 1}, nil), nil
}

type reader struct {
	*broker
	out map[string]bool // not answered
}

func (r *reader) ReceiveBatch(ctx context.Context, n int) ([]*driver.Message, error) {
	r.mu.Lock()
	if r.failGet > 0 {
		r.failGet--
		r.mu.Unlock()
		return nil, errRefused
	}
	var got []*driver.Message
	if len(r.ready) > 0 {
		got = r.ready[:1:1]
		r.ready = r.ready[1:]
		r.out[got[0].LoggableID] = true
	}
	r.mu.Unlock()
	if got == nil {
		timer := time.NewTimer(100 * time.Millisecond)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return got, nil
}

func (r *reader) SendAcks(_ context.Context, ids []driver.AckID) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.failAck > 0 {
		r.failAck--
		return errRefused
	}
	for _, id := range ids {
		r.acked[id.(string)]++
		delete(r.out, id.(string))
	}
	return nil
}

func (r *reader) SendNacks(_ context.Context, ids []driver.AckID) error {
	for _, id := range ids {
		r.send(id.(string))
		r.mu.Lock()
		delete(r.out, id.(string))
		r.mu.Unlock()
	}
	return nil
}

func (r *reader) CanNack() bool                      { return r.nackOK }
func (r *reader) IsRetryable(error) bool             { return false }
func (r *reader) As(any) bool                        { return false }
func (r *reader) ErrorAs(error, any) bool            { return false }
func (r *reader) ErrorCode(error) gcerrors.ErrorCode { return gcerrors.Unknown }
func (r *reader) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.flushed++
	var ids []string
	for id := range r.out {
		ids = append(ids, id)
	}
	r.ready = append(r.ready, messages(ids...)...)
	return nil
}

func TestBrokenSubscriptionIsOpenedAgain(t *testing.T) {
	tests := []struct {
		name   string
		spoil  func(*broker)
		reason string
	}{
		{"a failed acknowledgement", func(b *broker) { b.failAck = 3 }, "gocloud ends a subscription for it"},
		{"a failed receive", func(b *broker) { b.failGet = 3 }, "no network"},
		{"it cannot be opened", func(b *broker) { b.failGet, b.refuse = 1, 5 }, "the broker is away for a while"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBroker(true)
				log := &journal{}
				r := router(func(_ context.Context, e eventfx.Event[string]) error {
					log.note(e.Data)
					time.Sleep(10 * time.Millisecond)
					return nil
				})
				s, _ := b.open(t.Context())
				w := start(t, s, r, &pubsubhost.Options{Open: b.open})
				time.Sleep(time.Second)
				b.mu.Lock()
				tt.spoil(b)
				b.mu.Unlock()
				var want = map[string]int{}
				for i := range 30 {
					id := fmt.Sprint(i)
					want[id] = 1
					b.send(id)
				}
				time.Sleep(10 * time.Minute)
				if err := w.end(); err != nil {
					t.Errorf("Run: %v", err)
				}
				if diff := cmp.Diff(want, b.acked); diff != "" {
					t.Errorf("acknowledged: %s\n%s", tt.reason, diff)
				}
				if b.opened < 2 || b.flushed != b.opened-map[bool]int{true: 5}[tt.name == "it cannot be opened"] {
					t.Errorf("%d subscriptions were opened, %d shut down", b.opened, b.flushed)
				}
			})
		})
	}
}

// TestReopeningBacksOff: a broker that is away is not hammered.
func TestReopeningBacksOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBroker(true)
		b.refuse = 1 << 30
		w := start(t, nil, router(succeed), &pubsubhost.Options{Open: b.open})
		time.Sleep(time.Hour)
		if err := w.end(); err != nil {
			t.Errorf("Run: %v: it was stopped while it waited", err)
		}
		// Half of 30 s on average, and some more at the beginning.
		if b.opened < 100 || b.opened > 500 {
			t.Errorf("%d tries within an hour, want some 240", b.opened)
		}
	})
}

func TestBrokenSubscriptionEndsRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBroker(true, "a", "b")
		log := &journal{}
		r := router(func(_ context.Context, e eventfx.Event[string]) error {
			time.Sleep(time.Second)
			log.note(e.Data)
			return nil
		})
		s, _ := b.open(t.Context())
		w := start(t, s, r, &pubsubhost.Options{})
		time.Sleep(time.Second / 2)
		b.mu.Lock()
		b.failGet = 1
		b.mu.Unlock()
		err := <-w.done
		w.done <- err
		if err == nil || !strings.Contains(err.Error(), errRefused.Error()) {
			t.Errorf("Run: %v, want the broker's error", err)
		}
		if len(log.texts()) != 2 || len(b.acked) != 2 {
			t.Errorf("handled %q, acknowledged %v: what was started is finished", log.texts(), b.acked)
		}
	})
}

// TestBrokerThatTakesNothingBack: retries here, the dead letter, and then the
// acknowledgement.
func TestBrokerThatTakesNothingBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBroker(false, "poison", "twice", "good")
		log := &journal{}
		r := router(func(_ context.Context, e eventfx.Event[string]) error {
			log.note(fmt.Sprintf("%s %d", e.Data, e.Origin.Receives))
			if e.Data == "poison" || e.Data == "twice" && e.Origin.Receives < 3 {
				return errors.New("no")
			}
			return nil
		})
		letters := 0
		r.DeadLetter = func(_ context.Context, d *eventfx.Dead) error {
			if letters++; letters == 1 {
				return errors.New("the dead letters are full")
			}
			if d.Message.Origin.Receives != 6 || d.Reason != "retriesexhausted" {
				t.Errorf("dead after %d deliveries here, by %s", d.Message.Origin.Receives, d.Reason)
			}
			b.mu.Lock()
			defer b.mu.Unlock()
			if b.acked["poison"] != 0 {
				t.Error("acknowledged before the dead letter was written")
			}
			return nil
		}
		s, _ := b.open(t.Context())
		w := start(t, s, r, &pubsubhost.Options{})
		time.Sleep(10 * time.Minute)
		if err := w.end(); err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff(map[string]int{"poison": 1, "twice": 1, "good": 1}, b.acked); diff != "" {
			t.Errorf("acknowledged:\n%s", diff)
		}
		for text, want := range map[string]int{"good 0": 1, "twice 0": 1, "twice 2": 1, "twice 3": 1, "poison 5": 1, "poison 6": 1, "poison 7": 0} {
			if n := log.count(text); n != want {
				t.Errorf("%q ran %d times, want %d of\n%q", text, n, want, log.texts())
			}
		}
		if letters != 2 {
			t.Errorf("%d dead letters were tried", letters)
		}
	})
}

// TestStopOfABrokerThatTakesNothingBack: what is in hand is run, for it may not
// come again.
func TestStopOfABrokerThatTakesNothingBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBroker(false, "a", "b", "c", "d")
		log := &journal{}
		r := router(func(_ context.Context, e eventfx.Event[string]) error {
			log.note(e.Data)
			time.Sleep(time.Second)
			return nil
		})
		s, _ := b.open(t.Context())
		w := start(t, s, r, &pubsubhost.Options{Concurrency: 4, Key: func(*eventfx.Message) string { return "one" }})
		time.Sleep(500 * time.Millisecond)
		if err := w.end(); err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff([]string{"a", "b", "c", "d"}, log.texts()); diff != "" || len(b.acked) != 4 {
			t.Errorf("%d are acknowledged; handled:\n%s", len(b.acked), diff)
		}
	})
}

// TestPrefetched: what the subscription has fetched ahead goes back as well.
func TestPrefetched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBroker(true)
		for i := range 8 {
			b.send(fmt.Sprint(i))
		}
		s := pubsub.NewSubscription(&bulk{reader{b, map[string]bool{}}}, nil, nil)
		release := make(chan struct{})
		r := router(func(context.Context, eventfx.Event[string]) error {
			<-release
			return nil
		})
		w := start(t, s, r, &pubsubhost.Options{Concurrency: 2, Prefetch: 10})
		time.Sleep(time.Second)
		b.mu.Lock()
		if n := len(b.ready); n != 0 {
			t.Errorf("%d are at the broker: nothing was fetched ahead", n)
		}
		b.closed = true
		b.mu.Unlock()
		w.stop()
		time.Sleep(time.Second)
		b.mu.Lock()
		if n := len(b.ready); n != 6 {
			t.Errorf("%d went back at once, want 6", n)
		}
		b.mu.Unlock()
		close(release)
		if err := w.end(); err != nil {
			t.Error(err)
		}
		if len(b.acked) != 2 {
			t.Errorf("acknowledged: %v", b.acked)
		}
	})
}

// bulk gives all that there is at once.
type bulk struct{ reader }

func (r *bulk) ReceiveBatch(ctx context.Context, n int) ([]*driver.Message, error) {
	var all []*driver.Message
	for {
		r.mu.Lock()
		closed := r.closed || len(r.ready) == 0
		r.mu.Unlock()
		if closed && all != nil {
			return all, nil
		}
		if closed {
			timer := time.NewTimer(100 * time.Millisecond)
			defer timer.Stop()
			select {
			case <-timer.C:
				return nil, nil
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
		one, err := r.reader.ReceiveBatch(ctx, 1)
		if err != nil {
			return nil, err
		}
		all = append(all, one...)
	}
}
