package memcloud_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
)

func TestNeverSettles(t *testing.T) {
	tests := []struct {
		reason string
		start  func(cloud *memcloud.Cloud)
		parts  []string
	}{
		{
			"a message that comes back for ever",
			func(cloud *memcloud.Cloud) {
				q := cloud.Queue("orders", nil)
				cloud.Function("ship", failing, memcloud.Trigger(q))
				q.Send("a")
			},
			[]string{"orders: never settles", "m-1", "visible again every 30s", "no redrive policy"},
		},
		{
			"a function that sends to its own queue",
			func(cloud *memcloud.Cloud) {
				q := cloud.Queue("orders", nil)
				cloud.Function("ship", handler(func(ctx context.Context, _ []byte) ([]byte, error) {
					_, err := q.SendMessage(ctx, memcloud.Message{Body: "again"})
					return nil, err
				}), memcloud.Trigger(q))
				q.Send("a")
			},
			[]string{"never settles: 100", "× orders send", "× ship invoke"},
		},
		{
			"a function that invokes itself",
			func(cloud *memcloud.Cloud) {
				var f *memcloud.Function
				f = cloud.Function("again", handler(func(context.Context, []byte) ([]byte, error) {
					f.Send(nil)
					return nil, nil
				}))
				f.Send(nil)
			},
			[]string{"never settles: 100", "× again invoke"},
		},
		{
			"a function that writes to the bucket that triggers it",
			func(cloud *memcloud.Cloud) {
				b := cloud.Bucket("uploads", nil)
				cloud.Function("resize", handler(func(ctx context.Context, _ []byte) ([]byte, error) {
					_, err := b.PutObject(ctx, memcloud.Object{Key: "k"}, memcloud.Condition{})
					return nil, err
				}), memcloud.Trigger(b))
				b.Put("k", nil)
			},
			[]string{"never settles: 100", "× uploads put", "× resize invoke"},
		},
		{
			"a function that changes the table whose stream it reads",
			func(cloud *memcloud.Cloud) {
				rows, n := cloud.Table("rows", nil), 0
				cloud.Function("count", handler(func(ctx context.Context, _ []byte) ([]byte, error) {
					n++
					return nil, rows.PutItem(ctx, memcloud.Item{"id": "n", "n": n})
				}), memcloud.Trigger(rows))
				put(rows, "a")
			},
			[]string{"never settles: 100", "× rows update", "× count invoke"},
		},
	}
	for _, test := range tests {
		t.Run(test.reason, func(t *testing.T) {
			var r *recorder
			took := time.Hour
			for try := 0; try < 3 && took > time.Second; try++ { // others may be at work
				r = &recorder{}
				begin := time.Now() // in real time
				synctest.Test(t, func(t *testing.T) {
					cloud := memcloud.New(r)
					test.start(cloud)
					cloud.Settle()
					if err := panicOf(func() { cloud.Queue("late", nil) }); err == nil {
						t.Error("a stopped cloud takes calls")
					}
					r.finish()
				})
				took = time.Since(begin)
			}
			// A second, where nobody else is at work: 0.6 s at most on two cores. A
			// run with the race detector is a short one.
			if took > 3*time.Second && !testing.Short() {
				t.Errorf("it took %v to say so, three times over", took)
			}
			if len(r.errors) != 1 {
				t.Fatalf("errors: %q", r.errors)
			}
			if n := strings.Count(strings.Join(r.logs, ""), "\n"); n > 402 {
				t.Errorf("the log has %d lines", n)
			}
			for _, part := range test.parts {
				if !strings.Contains(r.errors[0], part) {
					t.Errorf("%q is not in %q", part, r.errors[0])
				}
			}
		})
	}
}

// A local program has nobody to tell: it goes on until the message expires, as
// AWS does, and stops only for a Settle that would never end.
func TestPoisonInALocalProgram(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud := memcloud.Open(nil)
		defer cloud.Close()
		q := cloud.Queue("orders", &memcloud.QueueOptions{Visibility: 3 * time.Second, Retention: time.Hour})
		cloud.Function("ship", failing, memcloud.Trigger(q))
		q.Send("poison")
		cloud.Advance(59 * time.Minute)
		if n := len(moments(cloud, "ship", "invoke")); n < 1100 {
			t.Errorf("the cloud stopped after %d invocations", n)
		}
		cloud.Advance(time.Minute)
		want(t, "expired", len(q.Messages()), 0)

		q.Send("poison")
		if err := panicOf(cloud.Settle); err == nil || !strings.Contains(err.Error(), "never settles") {
			t.Errorf("Settle: %v", err)
		}
	})
}

// An exchange that takes no time must not keep a test's own wait from ending.
func TestEndlessInstant(t *testing.T) {
	r := &recorder{}
	synctest.Test(t, func(t *testing.T) {
		cloud := memcloud.Open(&memcloud.Options{T: r, MaxSteps: 1000})
		q := cloud.Queue("orders", nil)
		cloud.Function("ship", handler(func(ctx context.Context, _ []byte) ([]byte, error) {
			_, err := q.SendMessage(ctx, memcloud.Message{Body: "again"})
			return nil, err
		}), memcloud.Trigger(q))
		q.Send("a")
		time.Sleep(time.Hour)
		r.finish()
	})
	if len(r.errors) != 1 || !strings.Contains(r.errors[0], "within one second") {
		t.Errorf("errors: %q", r.errors)
	}
}

func TestSettleLeavesTicksAlone(t *testing.T) {
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		nightly := cloud.Schedule("nightly", "cron(0 3 * * ? *)")
		cloud.Function("clean", constant(""), memcloud.Trigger(nightly))
		q := cloud.Queue("orders", nil)
		q.Send("nobody reads this")
		cloud.Settle()
		want(t, "ticks", len(moments(cloud, "nightly", "tick")), 0)
		if now := cloud.Now(); now > time.Millisecond {
			t.Errorf("Settle let %v pass", now)
		}
		cloud.Advance(48 * time.Hour)
		want(t, "ticks", moments(cloud, "nightly", "tick"), []time.Duration{3 * time.Hour, 27 * time.Hour})
	})
}

func TestSettleWaitsForConsumers(t *testing.T) {
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		q := cloud.Queue("orders", &memcloud.QueueOptions{MaxReceives: 2})
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		go func() { // takes messages and never deletes them
			for ctx.Err() == nil {
				_, _ = q.ReceiveMessage(ctx, 10, 20*time.Second)
			}
		}()
		synctest.Wait() // legal: the cloud does not use it
		q.Send("a")
		cloud.Settle()
		want(t, "dead letters", bodies(q.DeadLetters()), "a")
		want(t, "deliveries", moments(cloud, "orders", "receive"), []time.Duration{0, 30 * time.Second})
	})
}

func TestCleanupNamesTheDeaf(t *testing.T) {
	r := &recorder{}
	synctest.Test(t, func(t *testing.T) {
		cloud := memcloud.New(r)
		f := cloud.Function("deaf", handler(func(context.Context, []byte) ([]byte, error) {
			time.Sleep(time.Hour)
			return nil, nil
		}))
		f.Send([]byte("{}"))
		cloud.Advance(time.Second)
		r.finish()
		time.Sleep(time.Hour) // in a test it would be the end of the binary
	})
	if len(r.errors) != 1 || !strings.Contains(r.errors[0], `["deaf"]`) {
		t.Errorf("errors: %q", r.errors)
	}
}

func TestInvocationOver(t *testing.T) {
	// Rule B7.3: what a run does after its end has no effect, on AWS because
	// the process is frozen or gone.
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		q := cloud.Queue("audit", nil)
		late := make(chan error, 2)
		try := func(ctx context.Context) {
			_, err := q.SendMessage(context.WithoutCancel(ctx), memcloud.Message{Body: "late"})
			late <- err
		}
		zombie := cloud.Function("zombie", handler(func(ctx context.Context, _ []byte) ([]byte, error) {
			<-ctx.Done()
			time.Sleep(time.Second)
			try(ctx)
			return nil, nil
		}), &memcloud.FunctionOptions{Retries: -1})
		stray := cloud.Function("stray", handler(func(ctx context.Context, _ []byte) ([]byte, error) {
			go func() {
				time.Sleep(time.Second)
				try(ctx)
			}()
			return nil, nil
		}))
		zombie.Send([]byte("{}"))
		cloud.Advance(10 * time.Second)
		stray.Send([]byte("{}"))
		cloud.Advance(10 * time.Second)
		want(t, "messages", len(q.Messages()), 0)
		wantError(t, <-late, "InvocationOver", "timed out before this call")
		wantError(t, <-late, "InvocationOver", "was answered before this call")
	})
}

func TestGoexit(t *testing.T) {
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		f := cloud.Function("quits", handler(func(context.Context, []byte) ([]byte, error) {
			runtime.Goexit()
			return nil, nil
		}))
		_, err := f.Invoke(t.Context(), []byte("{}"))
		if err == nil || !strings.Contains(err.Error(), "ended its goroutine") {
			t.Errorf("got %v", err)
		}
		_, err = f.Invoke(t.Context(), []byte("{}"))
		if err == nil {
			t.Error("the second run has no error")
		}
	})
}

func TestReadAfterClose(t *testing.T) {
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		q := cloud.Queue("orders", nil)
		q.Send("a")
		cloud.Settle()
		var order []string
		cloud.OnClose(func() { order = append(order, "first") })
		cloud.OnClose(func() {
			order = append(order, "second")
			if _, err := q.SendMessage(context.Background(), memcloud.Message{Body: "b"}); err != nil {
				t.Error(err)
			}
		})
		if err := cloud.Close(); err != nil {
			t.Fatal(err)
		}
		want(t, "messages", bodies(q.Messages()), "a b")
		want(t, "last first", order, []string{"second", "first"})
		if _, err := q.SendMessage(context.Background(), memcloud.Message{Body: "c"}); err != memcloud.ErrClosed {
			t.Errorf("got %v", err)
		}
		if _, err := q.ReceiveMessage(context.Background(), 1, 20*time.Second); err != memcloud.ErrClosed {
			t.Errorf("got %v", err)
		}
		cloud.Settle()
		q.Send("d")
		if !strings.Contains(cloud.Timeline(), "orders send m-2 b") {
			t.Errorf("timeline:\n%s", cloud.Timeline())
		}
	})
}

// The same cloud outside a bubble.
func TestRealTime(t *testing.T) {
	cloud := memcloud.Open(nil)
	defer cloud.Close()
	q := cloud.Queue("orders", &memcloud.QueueOptions{Visibility: 50 * time.Millisecond, MaxReceives: 2})
	h := &answers{}
	cloud.Function("ship", h, memcloud.Trigger(q, &memcloud.Mapping{ReportBatchItemFailures: true}), &memcloud.FunctionOptions{Timeout: 50 * time.Millisecond})
	for i := range 100 {
		q.Send(fmt.Sprint(i))
	}
	q.Send("bad")
	start := time.Now()
	cloud.Settle()
	if took := time.Since(start); took < 100*time.Millisecond {
		t.Errorf("settled after %v, before the redrive", took)
	}
	want(t, "left", bodies(q.Messages()), "")
	want(t, "dead", bodies(q.DeadLetters()), "bad")
}

func TestMisuse(t *testing.T) {
	r := &recorder{}
	cloud := memcloud.New(r)
	cloud.Queue("orders", nil).Send("")
	cloud.Queue("orders.fifo", nil).Send("a")
	r.finish()
	want(t, "errors", r.errors, []string{
		"memcloud: orders: MissingParameter: The request must contain the parameter MessageBody.",
		"memcloud: orders.fifo: MissingParameter: The request must contain the parameter MessageGroupId.",
	})
	lone := memcloud.Open(nil)
	defer lone.Close()
	if err := panicOf(func() { lone.Queue("orders", nil).Send("") }); err == nil {
		t.Error("without a test, wrong use panics")
	}
}
