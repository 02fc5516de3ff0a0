package idempotency_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/google/go-cmp/cmp"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
	"github.com/eventfx/eventfx-go/adapters/memcloud/portable"
	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/eventfx/queue"
	"github.com/eventfx/eventfx-go/handlers/idempotency"
)

// message is an order in a queue, as awsevents would make it.
func message(id, data string) *eventfx.Message {
	e := event.New()
	e.SetID(id)
	e.SetSource("arn:aws:sqs:eu-west-1:123456789012:orders")
	e.SetType("com.amazonaws.sqs.message")
	e.SetDataContentType("text/plain")
	e.DataEncoded = []byte(data)
	return &eventfx.Message{Event: e, Origin: eventfx.Origin{ID: id, Name: "orders", Receives: 1}}
}

// eachStore runs a test with each store, in a bubble.
func eachStore(t *testing.T, f func(t *testing.T, s idempotency.Store)) {
	t.Run("memory", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) { f(t, &idempotency.Memory{}) })
	})
	t.Run("collection", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			cloud := memcloud.New(t)
			c := portable.Collection(cloud.Table("locks", nil), nil)
			defer c.Close()
			f(t, idempotency.Collection(c, ""))
		})
	})
}

// router returns a router with a guard, and what its handler has run.
func router(g *idempotency.Guard, h func(ctx context.Context, data string) error) (*eventfx.Router, *[]string) {
	runs := &[]string{}
	var mu sync.Mutex
	r := &eventfx.Router{Once: g.Once, Observer: eventfx.Observer{Message: quiet}}
	eventfx.On(r, queue.Text{Queue: "orders"}, func(ctx context.Context, e eventfx.Event[string]) error {
		mu.Lock()
		*runs = append(*runs, e.Data)
		mu.Unlock()
		return h(ctx, e.Data)
	})
	return r, runs
}

func quiet(ctx context.Context, _ string, _ *eventfx.Message) (context.Context, func(error, *eventfx.Dead)) {
	return ctx, nil
}

func deliver(r *eventfx.Router, messages ...*eventfx.Message) string {
	var failures []string
	for _, f := range r.Deliver(context.Background(), messages) {
		failures = append(failures, fmt.Sprintf("%s: %v (after %v)", f.Message.ID(), f.Err, f.After.Round(time.Second)))
	}
	return strings.Join(failures, "\n")
}

func want(t *testing.T, what string, got, want any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}

func TestOnce(t *testing.T) {
	boom := errors.New("boom")
	nothing := func(context.Context, string) error { return nil }
	eachStore(t, func(t *testing.T, s idempotency.Store) {
		g := &idempotency.Guard{Store: s, Cache: -1}
		r, runs := router(g, nothing)
		want(t, "first", deliver(r, message("1", "a")), "")
		want(t, "again", deliver(r, message("1", "a")), "")
		want(t, "another", deliver(r, message("2", "b")), "")
		want(t, "runs", *runs, []string{"a", "b"})

		// A failure is released: it runs again at once.
		fail := true
		r, runs = router(g, func(context.Context, string) error {
			if fail {
				return boom
			}
			return nil
		})
		want(t, "failure", deliver(r, message("3", "c")), "3: boom (after 0s)")
		fail = false
		want(t, "redelivery", deliver(r, message("3", "c")), "")
		want(t, "duplicate", deliver(r, message("3", "c")), "")
		want(t, "runs", *runs, []string{"c", "c"})

		// A success is remembered for a week, and then no longer.
		time.Sleep(7*24*time.Hour - time.Minute)
		want(t, "late", deliver(r, message("3", "c")), "")
		time.Sleep(2 * time.Minute)
		want(t, "too late", deliver(r, message("3", "c")), "")
		want(t, "runs", *runs, []string{"c", "c", "c"})
	})
}

func TestInProgress(t *testing.T) {
	eachStore(t, func(t *testing.T, s idempotency.Store) {
		g := &idempotency.Guard{Store: s, Lease: 20 * time.Second}
		var ended error
		r, runs := router(g, func(ctx context.Context, data string) error {
			<-ctx.Done() // hangs until its lease is over
			ended = ctx.Err()
			return ctx.Err()
		})
		done := make(chan string)
		began := time.Now()
		go func() { done <- deliver(r, message("1", "a")) }()
		time.Sleep(5 * time.Second)
		want(t, "in flight", deliver(r, message("1", "a")), "1: idempotency: the message is being handled elsewhere (after 16s)")
		want(t, "first", <-done, "1: context deadline exceeded (after 0s)")
		want(t, "took", time.Since(began).Round(time.Second), 20*time.Second)
		want(t, "ended", ended, context.DeadlineExceeded)
		want(t, "runs", *runs, []string{"a"})
	})
}

// A holder that comes back after its lease is refused, and the one that took
// over counts.
func TestTakeOver(t *testing.T) {
	eachStore(t, func(t *testing.T, s idempotency.Store) {
		g := &idempotency.Guard{Store: s, Lease: 10 * time.Second, Cache: -1}
		var calls atomic.Int32
		hold := make(chan struct{})
		r, runs := router(g, func(context.Context, string) error {
			if calls.Add(1) == 1 {
				<-hold // deaf to its context
			}
			return nil
		})
		first := make(chan string)
		go func() { first <- deliver(r, message("1", "a")) }()
		time.Sleep(12 * time.Second)
		want(t, "the one that takes over", deliver(r, message("1", "a")), "")
		close(hold)
		want(t, "the late one", <-first, "1: idempotency: the lease was over, and the message was taken over elsewhere: queue.Text{Queue: \"orders\"} arn:aws:sqs:eu-west-1:123456789012:orders 1 (after 0s)")
		want(t, "afterwards", deliver(r, message("1", "a")), "")
		want(t, "runs", *runs, []string{"a", "a"})
	})
}

// A handler that outlives its lease has succeeded all the same, when nobody has
// taken the message over: also when the lock is gone by its time to live.
func TestLateAndAlone(t *testing.T) {
	for _, ttl := range []string{"", "expires"} {
		t.Run("time to live by "+ttl, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cloud := memcloud.New(t)
				locks := cloud.Table("locks", &memcloud.TableOptions{TTL: ttl})
				g := &idempotency.Guard{Store: idempotency.Collection(portable.Collection(locks, nil), ""), Lease: 10 * time.Second, Cache: -1}
				r, runs := router(g, func(context.Context, string) error {
					time.Sleep(time.Minute) // deaf to its context
					return nil
				})
				want(t, "first", deliver(r, message("1", "a")), "")
				want(t, "again", deliver(r, message("1", "a")), "")
				want(t, "runs", *runs, []string{"a"})
			})
		})
	}
}

func TestKeys(t *testing.T) {
	eachStore(t, func(t *testing.T, s idempotency.Store) {
		g := &idempotency.Guard{Store: s, Key: func(m *eventfx.Message) (string, error) {
			key, _, ok := strings.Cut(string(m.DataEncoded), "=")
			if !ok {
				return key[:0], nil
			}
			if key == "bad" {
				return "", errors.New("no number")
			}
			return key, nil
		}}
		r, runs := router(g, func(context.Context, string) error { return nil })
		want(t, "first", deliver(r, message("1", "n-1=10")), "")
		want(t, "the same order, sent again", deliver(r, message("2", "n-1=10")), "")
		want(t, "another order under its number", deliver(r, message("3", "n-1=99")),
			"3: idempotency: the key was used for a message with other data: queue.Text{Queue: \"orders\"} n-1 (after 0s)")
		want(t, "without", deliver(r, message("4", "x")), "4: idempotency: the key of arn:aws:sqs:eu-west-1:123456789012:orders 4 is empty (after 0s)")
		want(t, "an error", deliver(r, message("5", "bad=1")), "5: idempotency: the key of arn:aws:sqs:eu-west-1:123456789012:orders 5: no number (after 0s)")
		want(t, "runs", *runs, []string{"n-1=10"})
	})
}

func TestBatch(t *testing.T) {
	eachStore(t, func(t *testing.T, s idempotency.Store) {
		g := &idempotency.Guard{Store: s}
		r := &eventfx.Router{Once: g.Once, Observer: eventfx.Observer{Message: quiet}}
		var batches []string
		poison := "c"
		eventfx.OnBatch(r, queue.Text{Queue: "orders"}, func(_ context.Context, b *eventfx.Batch[string]) error {
			var batch []string
			for e := range b.All() {
				batch = append(batch, e.Data)
				if e.Data == poison {
					b.Fail(e, errors.New("boom"))
				}
			}
			batches = append(batches, strings.Join(batch, ""))
			return nil
		})
		all := func() []*eventfx.Message {
			return []*eventfx.Message{message("1", "a"), message("2", "b"), message("3", "c"), message("1", "a"), message("3", "c")}
		}
		want(t, "first", deliver(r, all()...), "3: boom (after 0s)\n3: boom (after 0s)")
		poison = ""
		want(t, "second", deliver(r, all()...), "")
		want(t, "batches", batches, []string{"abc", "c"})
	})
}

// Within a group nothing runs or counts as done behind a message that goes
// back: it would run after what came later.
func TestGroup(t *testing.T) {
	// Rule H6
	tests := []struct {
		reason string
		store  failing
		first  string
		runs   []string // of two deliveries
	}{
		{"all is well", failing{}, "", []string{"abc"}},
		{"no lock for the first", failing{create: 1}, "1 2 3", []string{"abc"}},
		{"no lock for the second", failing{create: 1, skip: 1}, "2 3", []string{"a", "bc"}},
		{"no commit of the first: the others run again, behind it", failing{replace: 7}, "1 2 3", []string{"abc", "abc"}},
	}
	for _, test := range tests {
		t.Run(test.reason, func(t *testing.T) {
			eachStore(t, func(t *testing.T, s idempotency.Store) {
				store := test.store
				store.Store = s
				g := &idempotency.Guard{Store: &store}
				r := &eventfx.Router{Once: g.Once, Observer: eventfx.Observer{Message: quiet}}
				var runs []string
				eventfx.OnBatch(r, queue.Text{Queue: "orders"}, func(_ context.Context, b *eventfx.Batch[string]) error {
					var run string
					for e := range b.All() {
						run += e.Data
					}
					runs = append(runs, run)
					return nil
				})
				group := func() []*eventfx.Message {
					ms := []*eventfx.Message{message("1", "a"), message("2", "b"), message("3", "c")}
					for _, m := range ms {
						m.Group = "g"
					}
					return ms
				}
				var first []string
				for _, f := range r.Deliver(t.Context(), group()) {
					first = append(first, f.Message.ID())
				}
				want(t, "first", strings.Join(first, " "), test.first)
				time.Sleep(2 * time.Minute) // the lease of what could not be committed
				want(t, "second", deliver(r, group()...), "")
				want(t, "runs", runs, test.runs)
			})
		})
	}
}

// failing is a store whose calls fail when they are told to.
type failing struct {
	idempotency.Store
	create, replace, remove int  // how many of the next calls fail
	skip                    int  // creates that succeed before
	after                   bool // they take effect all the same
}

var errDown = errors.New("the store is down")

func (s *failing) Create(ctx context.Context, r idempotency.Record) (idempotency.Record, error) {
	if s.skip > 0 {
		s.skip--
	} else if s.create > 0 {
		s.create--
		return r, errDown
	}
	return s.Store.Create(ctx, r)
}

func (s *failing) Replace(ctx context.Context, r idempotency.Record) (idempotency.Record, error) {
	if s.replace > 0 {
		s.replace--
		if s.after {
			_, _ = s.Store.Replace(ctx, r)
		}
		return r, errDown
	}
	return s.Store.Replace(ctx, r)
}

func (s *failing) Delete(ctx context.Context, r idempotency.Record) error {
	if s.remove > 0 {
		s.remove--
		return errDown
	}
	return s.Store.Delete(ctx, r)
}

func TestStoreFails(t *testing.T) {
	name := "queue.Text{Queue: \"orders\"} arn:aws:sqs:eu-west-1:123456789012:orders 1"
	tests := []struct {
		reason string
		store  failing
		run    bool // RunUnguarded
		fails  bool // the handler
		first  string
		later  string // a redelivery at once
		runs   int
	}{
		{"no lock", failing{create: 1}, false, false, "1: idempotency: lock " + name + ": the store is down (after 0s)", "", 1},
		{"no lock, and that is allowed", failing{create: 1}, true, false, "", "", 2},
		{"a commit that succeeds the second time", failing{replace: 1}, false, false, "", "", 1},
		{"a commit whose answer is lost", failing{replace: 1, after: true}, false, false, "", "", 1},
		{
			"no commit at all", failing{replace: 1000}, false, false,
			"1: idempotency: " + name + " was handled, and that could not be kept: the store is down (after 0s)",
			"1: idempotency: the message is being handled elsewhere (after 58s)", 1,
		},
		{
			"no release", failing{remove: 1}, false, true,
			"1: boom (after 0s)",
			"1: idempotency: the message is being handled elsewhere (after 1m1s)", 1,
		},
	}
	for _, test := range tests {
		t.Run(test.reason, func(t *testing.T) {
			eachStore(t, func(t *testing.T, s idempotency.Store) {
				store := test.store
				store.Store = s
				g := &idempotency.Guard{Store: &store, RunUnguarded: test.run}
				r, runs := router(g, func(context.Context, string) error {
					if test.fails {
						return errors.New("boom")
					}
					return nil
				})
				want(t, "first", deliver(r, message("1", "a")), test.first)
				want(t, "later", deliver(r, message("1", "a")), test.later)
				want(t, "runs", len(*runs), test.runs)
			})
		})
	}
}

func TestDo(t *testing.T) {
	eachStore(t, func(t *testing.T, s idempotency.Store) {
		g := &idempotency.Guard{Store: s}
		runs := 0
		do := func(key string, result any, err error) (any, error) {
			return idempotency.Do(t.Context(), g, key, func(context.Context) (any, error) {
				runs++
				return result, err
			})
		}
		// The zero values of JSON are results, too.
		for i, result := range []any{nil, false, 0.0, "", "ok", []any{}} {
			key := fmt.Sprint("charge-", i)
			for range 2 {
				got, err := do(key, result, nil)
				want(t, "error", err, nil)
				want(t, "result", got, result)
			}
		}
		want(t, "runs", runs, 6)

		_, err := do("x", nil, errors.New("boom"))
		want(t, "error", fmt.Sprint(err), "boom")
		_, err = do("x", nil, nil)
		want(t, "error", err, nil)
		want(t, "runs", runs, 8)
	})
}

func TestMemoryLimit(t *testing.T) {
	s := &idempotency.Memory{Limit: 10}
	g := &idempotency.Guard{Store: s, Cache: -1}
	r, runs := router(g, func(context.Context, string) error { return nil })
	for i := range 100 {
		deliver(r, message(fmt.Sprint(i), "a"))
	}
	deliver(r, message("99", "a")) // is remembered
	want(t, "runs", len(*runs), 100)
	deliver(r, message("0", "a")) // is forgotten
	want(t, "runs", len(*runs), 101)
}
