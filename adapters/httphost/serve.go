package httphost

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"
)

// Serve serves h on l until ctx is done, and then stops: it takes no more
// connections and lets requests end until the drain limit, after which their
// contexts end, and 1.5 s later the connections. 0 means 8 s, which fits into
// the 10 s that Cloud Run gives; Kubernetes gives 30 s.
//
// It returns nil after a stop in which every request was answered, else what
// ended it. The listener is closed.
//
// The server that it makes is safe against clients that are slow or send too
// much: 10 s and 64 KiB for the headers of a request, two minutes for a
// connection that is idle; bodies and answers are limited by the handler. Do
// likewise with a server of your own.
func Serve(ctx context.Context, l net.Listener, h http.Handler, drain time.Duration) error {
	const grace = 1500 * time.Millisecond // Shutdown looks twice a second
	if drain <= 0 {
		drain = 8 * time.Second
	}
	requests, endRequests := context.WithCancelCause(context.WithoutCancel(ctx))
	defer endRequests(nil)
	s := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		BaseContext:       func(net.Listener) context.Context { return requests },
	}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(l) }()
	select {
	case err := <-ended:
		endRequests(errStopped)
		return errors.Join(fmt.Errorf("httphost: serve: %w", err), s.Close())
	case <-ctx.Done():
	}
	timer := time.AfterFunc(drain, func() { endRequests(errStopped) })
	defer timer.Stop()
	limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain+grace)
	defer cancel()
	if err := s.Shutdown(limit); err != nil {
		return errors.Join(fmt.Errorf("httphost: requests were still running %v after the stop: %w", drain+grace, err), s.Close())
	}
	return nil
}

var errStopped = errors.New("httphost: the server stops")
