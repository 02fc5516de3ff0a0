package httphost

import (
	"context"
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eventfx/eventfx-go/eventfx"
)

// work is a router whose handler takes a time, or its context's.
func work(d time.Duration) *eventfx.Router {
	return &eventfx.Router{Default: func(ctx context.Context, _ *eventfx.Delivery) error {
		select {
		case <-time.After(d):
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}}
}

func TestServeDrains(t *testing.T) {
	for _, tt := range []struct {
		reason string
		work   time.Duration
		drain  time.Duration
		status int
		after  time.Duration // the stop
	}{
		{"what is running is finished", 5 * time.Second, 0, 204, 4 * time.Second},
		{"to the limit, then contexts end", time.Minute, 0, 503, 8 * time.Second},
		{"a limit of one's own", time.Minute, 2 * time.Second, 503, 2 * time.Second},
	} {
		t.Run(tt.reason, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := start(t, newTestHandler(t, work(tt.work), Options{}), tt.drain)
				status := make(chan int, 1)
				go func() {
					resp, err := s.do(structuredRequest())
					if err != nil {
						t.Error(err)
						status <- 0
						return
					}
					status <- resp.StatusCode
				}()
				time.Sleep(time.Second)
				stopped := time.Now()
				s.stop()
				synctest.Wait()
				if _, err := s.dial(); !errors.Is(err, net.ErrClosed) {
					t.Errorf("a new connection: %v", err)
				}
				if got := <-status; got != tt.status || time.Since(stopped) != tt.after {
					t.Errorf("status %d after %v, want %d after %v", got, time.Since(stopped), tt.status, tt.after)
				}
				if err := <-s.ended; err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// A handler that ignores its context cannot hold the process.
func TestServeLeavesWhoDoesNotEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		over := make(chan struct{})
		r := &eventfx.Router{Grace: time.Hour, Default: func(context.Context, *eventfx.Delivery) error {
			time.Sleep(time.Hour)
			close(over)
			return nil
		}}
		s := start(t, newTestHandler(t, r, Options{Timeout: -1}), 0)
		go s.do(structuredRequest())
		time.Sleep(time.Second)
		stopped := time.Now()
		s.stop()
		if err := <-s.ended; !errors.Is(err, context.DeadlineExceeded) || time.Since(stopped) != 9500*time.Millisecond {
			t.Errorf("%v after %v", err, time.Since(stopped))
		}
		<-over
	})
}

func TestServeListenerFails(t *testing.T) {
	l := newPipeListener()
	l.Close()
	if err := Serve(t.Context(), l, Handler(&eventfx.Router{}, nil), 0); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Serve = %v", err)
	}
}
