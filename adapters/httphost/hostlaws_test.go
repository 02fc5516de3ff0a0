package httphost_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/eventfx/eventfx-go/adapters/hosttest"
	"github.com/eventfx/eventfx-go/adapters/httphost"
)

// TestLaws holds the handler to the laws of a host, with a sender that sends an
// event until it is taken, not before Retry-After is over.
func TestLaws(t *testing.T) {
	// Rule A4.5
	hosttest.Run(t, hosttest.Features{Delays: true, Observes: true}, func(t testing.TB, s hosttest.Setup) *hosttest.Host {
		sender := &sender{handler: httphost.Handler(s.Router, &httphost.Options{Timeout: s.Deadline}), left: map[string]bool{}}
		sender.ctx, sender.stop = context.WithCancel(context.Background())
		t.Cleanup(sender.end)
		return &hosttest.Host{Send: sender.send, Left: sender.count, Waiting: sender.count}
	})
}

type sender struct {
	handler http.Handler
	ctx     context.Context
	stop    context.CancelFunc
	all     sync.WaitGroup

	mu   sync.Mutex
	next int
	left map[string]bool
}

func (s *sender) send(messages ...hosttest.Message) {
	for _, m := range messages {
		s.mu.Lock()
		s.next++
		id := fmt.Sprint("e-", s.next)
		s.left[id] = true
		s.mu.Unlock()
		s.all.Go(func() { s.deliver(id, m.Body) })
	}
}

func (s *sender) deliver(id, body string) {
	for s.ctx.Err() == nil {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		for name, value := range map[string]string{"Ce-Specversion": "1.0", "Ce-Id": id, "Ce-Source": "/laws", "Ce-Type": "law", "Content-Type": "text/plain"} {
			r.Header.Set(name, value)
		}
		answer := httptest.NewRecorder()
		s.handler.ServeHTTP(answer, r)
		if answer.Code/100 == 2 {
			s.mu.Lock()
			delete(s.left, id)
			s.mu.Unlock()
			return
		}
		pause := 10 * time.Second // a sender's own
		if asked, err := strconv.Atoi(answer.Header().Get("Retry-After")); err == nil {
			pause = time.Duration(asked) * time.Second
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-s.ctx.Done():
			timer.Stop()
		}
	}
}

func (s *sender) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.left)
}

func (s *sender) end() {
	s.stop()
	s.all.Wait()
}
