package pubsubhost_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
	"github.com/eventfx/eventfx-go/adapters/pubsubhost"
	"github.com/eventfx/eventfx-go/eventfx"
)

// probe returns the status of both probes.
func probe(t testing.TB, h http.Handler) string {
	t.Helper()
	status := func(path string) int {
		answer := httptest.NewRecorder()
		h.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, path, nil))
		if answer.Code != http.StatusOK && strings.TrimSpace(answer.Body.String()) == "ok" {
			t.Errorf("%s: %d, and no reason", path, answer.Code)
		}
		return answer.Code
	}
	return fmt.Sprintf("live %d ready %d", status("/worker/livez"), status("/readyz"))
}

func TestHealth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBroker(true)
		h := &pubsubhost.Health{}
		want := func(when, want string) {
			t.Helper()
			if got := probe(t, h); got != want {
				t.Errorf("%s: %s, want %s", when, got, want)
			}
		}
		want("before", "live 200 ready 503")
		s, _ := b.open(t.Context())
		w := start(t, s, router(func(context.Context, eventfx.Event[string]) error {
			time.Sleep(5 * time.Second)
			return nil
		}), &pubsubhost.Options{Open: b.open, Health: h})
		time.Sleep(time.Second)
		want("while it waits", "live 200 ready 200")
		b.mu.Lock()
		b.failGet, b.refuse = 1, 20
		b.mu.Unlock()
		time.Sleep(5 * time.Second)
		want("while the broker is away", "live 200 ready 503")
		time.Sleep(time.Hour)
		want("when it is back", "live 200 ready 200")
		b.send("x")
		time.Sleep(time.Second)
		w.stop()
		time.Sleep(time.Second)
		want("while it drains", "live 200 ready 503")
		if err := w.end(); err != nil {
			t.Error(err)
		}
		want("afterwards", "live 503 ready 503")
		answer := httptest.NewRecorder()
		h.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/healthz", nil))
		if answer.Code != http.StatusNotFound {
			t.Errorf("another path: %d", answer.Code)
		}
	})
}

// TestStuck: a worker with no place left that finishes nothing is of no use.
func TestStuck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := memcloud.New(t).Queue("orders", nil)
		h := &pubsubhost.Health{}
		r := router(succeed)
		// Deliver always returns, but observers are waited for.
		var once sync.Once
		r.Observer.Batch = func(ctx context.Context, _ []*eventfx.Message) (context.Context, func([]eventfx.Failure)) {
			once.Do(func() { time.Sleep(5 * time.Minute) })
			return ctx, nil
		}
		onQueue(t, q, r, pubsubhost.Options{Concurrency: 1, Deadline: 10 * time.Second, Health: h})
		q.Send("x")
		time.Sleep(time.Minute)
		if got := probe(t, h); got != "live 200 ready 200" {
			t.Errorf("after a minute: %s", got)
		}
		time.Sleep(30 * time.Second)
		if got := probe(t, h); got != "live 503 ready 200" {
			t.Errorf("a minute after the deadline: %s", got)
		}
		time.Sleep(time.Hour)
		if got := probe(t, h); got != "live 200 ready 200" {
			t.Errorf("when it goes on: %s", got)
		}
	})
}
