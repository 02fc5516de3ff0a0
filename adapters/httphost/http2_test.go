package httphost

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/eventfx/eventfx-go/eventfx"
)

// Over HTTP/2 a deadline is a stream's. There is no bubble around TLS: the
// limits are short, and in real time.
func TestHTTP2(t *testing.T) {
	slow, end := io.Pipe()
	defer end.Close()
	tooMuch := strings.NewReader(strings.Repeat("x", 101))
	for _, tt := range []struct {
		reason string
		body   io.Reader
		header string
		opts   Options
		status int
		handle func(context.Context) error
	}{
		{"an event", strings.NewReader(orderEvent), "application/cloudevents+json", Options{}, 204, nil},
		{"no event", strings.NewReader("x"), "text/plain", Options{}, 415, nil},
		{"too much, of unknown length", io.MultiReader(tooMuch), "application/cloudevents+json", Options{MaxBody: 100}, 413, nil},
		{"a body that never ends", slow, "application/cloudevents+json", Options{BodyTimeout: 20 * time.Millisecond}, 408, nil},
		{"a handler that takes longer than a body may", strings.NewReader(orderEvent), "application/cloudevents+json", Options{BodyTimeout: 20 * time.Millisecond}, 204, func(ctx context.Context) error {
			select {
			case <-time.After(60 * time.Millisecond):
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}},
	} {
		t.Run(tt.reason, func(t *testing.T) {
			r := &eventfx.Router{Default: func(ctx context.Context, _ *eventfx.Delivery) error {
				if tt.handle == nil {
					return nil
				}
				return tt.handle(ctx)
			}}
			server := httptest.NewUnstartedServer(newTestHandler(t, r, tt.opts))
			server.EnableHTTP2 = true
			server.StartTLS()
			defer server.Close()
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, tt.body)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Content-Type", tt.header)
			resp, err := server.Client().Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if resp.StatusCode != tt.status || resp.ProtoMajor != 2 {
				t.Errorf("%s, status %d, want %d", resp.Proto, resp.StatusCode, tt.status)
			}
		})
	}
}
