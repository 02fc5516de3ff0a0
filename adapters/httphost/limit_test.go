package httphost

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eventfx/eventfx-go/eventfx"
)

func TestBodyLimit(t *testing.T) {
	event := func(n int) *http.Request {
		return binary(strings.Repeat("x", n), "Content-Type", "text/plain")
	}
	chunked := func(n int) *http.Request {
		r := event(n)
		r.ContentLength = -1
		return r
	}
	const mib = 1 << 20
	for _, tt := range []struct {
		reason string
		opts   Options
		most   int // bytes that are accepted
	}{
		{"1 MiB", Options{}, mib},
		{"a message of Pub/Sub may have 10 MB", Options{Sender: PubSubPush, Drop: true}, 16 * mib},
		{"as asked for", Options{MaxBody: 100}, 100},
	} {
		t.Run(tt.reason, func(t *testing.T) {
			h := newTestHandler(t, record(nil).router, tt.opts)
			for _, make := range []func(int) *http.Request{event, chunked} {
				if w := serve(h, make(tt.most)); w.Code != 204 {
					t.Errorf("status %d for the most", w.Code)
				}
				if w := serve(h, make(tt.most+1)); w.Code != 413 {
					t.Errorf("status %d for one byte more", w.Code)
				}
			}
		})
	}
	if w := serve(newTestHandler(t, record(nil).router, Options{MaxBody: -1}), event(mib+1)); w.Code != 204 {
		t.Errorf("status %d without a limit", w.Code)
	}
	// Who claims much is refused without reading.
	r := event(1)
	r.ContentLength = 1 << 40
	r.Body = io.NopCloser(unreadableBody{t})
	if w := serve(newTestHandler(t, record(nil).router, Options{}), r); w.Code != 413 {
		t.Errorf("status %d for a claim", w.Code)
	}
}

type unreadableBody struct{ t *testing.T }

func (b unreadableBody) Read([]byte) (int, error) {
	b.t.Error("the body was read")
	return 0, io.EOF
}

func TestHeaderLimit(t *testing.T) {
	h := newTestHandler(t, record(nil).router, Options{})
	if w := serve(h, binary("", "Ce-Subject", strings.Repeat("s", maxAttributes-200))); w.Code != 204 {
		t.Errorf("status %d: %s", w.Code, w.Body)
	}
	if w := serve(h, binary("", "Ce-Subject", strings.Repeat("s", maxAttributes))); w.Code != 431 {
		t.Errorf("status %d for too much", w.Code)
	}
}

// Slow clients, in the time of a bubble.
func TestSlowClients(t *testing.T) {
	for _, tt := range []struct {
		reason  string
		opts    Options
		send    string // at once
		trickle bool
		status  int
		after   time.Duration
	}{
		{"a body that never comes", Options{}, "Content-Length: 100\r\n\r\n", false, 408, 10 * time.Second},
		{"for a sender that drops on 408", Options{Sender: Knative}, "Content-Length: 100\r\n\r\n", false, 503, 10 * time.Second},
		{"a byte a second", Options{}, "Content-Length: 100\r\n\r\n", true, 408, 10 * time.Second},
		{"a byte a second, in chunks", Options{}, "Transfer-Encoding: chunked\r\n\r\n64\r\n", true, 408, 10 * time.Second},
		{"a limit of one's own", Options{BodyTimeout: 2 * time.Second}, "Content-Length: 100\r\n\r\n", true, 408, 2 * time.Second},
		{"the whole time is less", Options{Timeout: 3 * time.Second}, "Content-Length: 100\r\n\r\n", true, 408, 3 * time.Second},
		{"the whole time alone", Options{BodyTimeout: -1, Timeout: 20 * time.Second}, "Content-Length: 100\r\n\r\n", true, 408, 20 * time.Second},
		{"slow, and in time", Options{}, "Content-Length: 5\r\n\r\n", true, 204, 4 * time.Second},
		{"not even headers: net/http's own answer", Options{}, "X-A: b\r\n", true, 400, 10 * time.Second},
	} {
		t.Run(tt.reason, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := start(t, newTestHandler(t, record(nil).router, tt.opts), 0)
				began := time.Now()
				c, err := s.dial()
				if err != nil {
					t.Fatal(err)
				}
				sent := make(chan struct{})
				go func() {
					defer close(sent)
					io.WriteString(c, "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nCe-Specversion: 1.0\r\nCe-Id: 1\r\nCe-Source: /s\r\nCe-Type: t\r\n"+tt.send)
					for tt.trickle {
						if _, err := io.WriteString(c, "x"); err != nil {
							return
						}
						time.Sleep(time.Second)
					}
				}()
				status := 0
				if resp, err := http.ReadResponse(bufio.NewReader(c), nil); err == nil {
					status = resp.StatusCode
					if tt.status > 400 && resp.Header.Get("Retry-After") == "" {
						t.Error("no Retry-After")
					}
				}
				if after := time.Since(began); status != tt.status || after != tt.after {
					t.Errorf("status %d after %v, want %d after %v", status, after, tt.status, tt.after)
				}
				c.Close()
				<-sent
				if err := s.end(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// The time for the body ends with the body: handlers may take longer.
func TestSlowHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newTestHandler(t, record(func(*eventfx.Message) error {
			time.Sleep(25 * time.Second)
			return nil
		}).router, Options{})
		s := start(t, h, 0)
		none := binary("")
		none.Body = http.NoBody
		for _, r := range []*http.Request{structuredRequest(), none} {
			resp, err := s.do(r)
			if err != nil || resp.StatusCode != 204 {
				t.Errorf("%v, %v", resp, err)
			}
		}
		if err := s.end(); err != nil {
			t.Error(err)
		}
	})
}

// Nothing new is taken while MaxRequests are at work, whoever keeps them.
func TestMaxRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		r := &eventfx.Router{Default: func(context.Context, *eventfx.Delivery) error {
			<-release
			return nil
		}}
		h := newTestHandler(t, r, Options{MaxRequests: 2, Timeout: -1})
		results := make(chan int, 2)
		for range 2 {
			go func() { results <- serve(h, structuredRequest()).Code }()
		}
		synctest.Wait()
		// Rule A4.5
		if w := serve(h, structuredRequest()); w.Code != 429 || w.Header().Get("Retry-After") != "1" {
			t.Errorf("status %d, Retry-After %q, want 429, 1", w.Code, w.Header().Get("Retry-After"))
		}
		if w := serve(h, options("WebHook-Request-Origin", "a.example.com")); w.Code != 204 {
			t.Errorf("status %d for a handshake", w.Code)
		}
		close(release)
		for range 2 {
			if status := <-results; status != 204 {
				t.Errorf("status %d", status)
			}
		}
		if w := serve(h, structuredRequest()); w.Code != 204 {
			t.Errorf("status %d afterwards", w.Code)
		}
	})
}

// The answer is there before the time of the sender is over, whatever handlers
// do.
func TestDeadline(t *testing.T) {
	for _, tt := range []struct {
		sender  Sender
		timeout time.Duration
		ends    time.Duration // of the handler's context
		before  time.Duration // the answer
	}{
		{Webhook, 0, 59500 * time.Millisecond, time.Minute},
		{EventGrid, 0, 29500 * time.Millisecond, 30 * time.Second},
		{PubSubPush, 0, 9500 * time.Millisecond, 10 * time.Second},
		{EventarcStandard, 0, 9500 * time.Millisecond, 10 * time.Second},
		{Knative, time.Second, 900 * time.Millisecond, time.Second},
	} {
		for _, obedient := range []bool{true, false} {
			t.Run(fmt.Sprintf("%v %v %v", tt.sender, tt.timeout, obedient), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					began := time.Now()
					over := make(chan struct{})
					r := &eventfx.Router{Default: func(ctx context.Context, _ *eventfx.Delivery) error {
						defer close(over)
						<-ctx.Done()
						if got := time.Since(began); got != tt.ends {
							t.Errorf("the context ends after %v, want %v", got, tt.ends)
						}
						if !obedient {
							time.Sleep(time.Hour)
						}
						return ctx.Err()
					}}
					h := newTestHandler(t, r, Options{Sender: tt.sender, Timeout: tt.timeout, Drop: true})
					w := serve(h, structuredRequest())
					if took := time.Since(began); w.Code != 503 || w.Header().Get("Retry-After") == "" || took >= tt.before {
						t.Errorf("status %d after %v, want 503 before %v", w.Code, took, tt.before)
					}
					<-over
				})
			})
		}
	}
}

// A client that is gone reads no answer: its handlers end, and nothing is
// counted as done.
func TestClientGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := make(chan error, 1)
		r := &eventfx.Router{Default: func(ctx context.Context, _ *eventfx.Delivery) error {
			<-ctx.Done()
			ended <- ctx.Err()
			return ctx.Err()
		}}
		s := start(t, newTestHandler(t, r, Options{}), 0)
		c, err := s.dial()
		if err != nil {
			t.Fatal(err)
		}
		if err := structuredRequest().Write(c); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		began := time.Now()
		c.Close()
		if err := <-ended; err != context.Canceled || time.Since(began) != 0 {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		if err := s.end(); err != nil {
			t.Error(err)
		}
	})
}

// A body that is refused is not waited for either: neither by the handler nor
// by the server, which wants to read it to its end.
func TestSlowBodyOfARefusedRequest(t *testing.T) {
	for reason, head := range map[string]string{
		"type":          "POST / HTTP/1.1\r\nContent-Type: text/plain\r\n",
		"method":        "PUT / HTTP/1.1\r\n",
		"handshake":     "OPTIONS / HTTP/1.1\r\nWebHook-Request-Origin: a\r\n",
		"authorization": "POST / HTTP/1.1\r\nContent-Type: application/cloudevents+json\r\n",
		"too much":      "POST / HTTP/1.1\r\nContent-Type: application/cloudevents+json\r\nAuthorization: s3cret\r\n",
		"slow":          "POST / HTTP/1.1\r\nContent-Type: application/cloudevents+json\r\nAuthorization: s3cret\r\n",
	} {
		t.Run(reason, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				opts := Options{Authorize: func(_ *http.Request, token string) (bool, error) { return token == "s3cret", nil }}
				if reason == "too much" {
					opts.MaxBody = 5
				}
				s := start(t, newTestHandler(t, record(nil).router, opts), 0)
				c, err := s.dial()
				if err != nil {
					t.Fatal(err)
				}
				began := time.Now()
				sent := make(chan struct{})
				go func() {
					defer close(sent)
					io.WriteString(c, head+"Host: a\r\nTransfer-Encoding: chunked\r\n\r\n")
					for {
						if _, err := io.WriteString(c, "1\r\nx\r\n"); err != nil {
							return
						}
						time.Sleep(time.Second)
					}
				}()
				io.Copy(io.Discard, c) // until the server hangs up
				if after := time.Since(began); after > 11*time.Second {
					t.Errorf("the connection is kept for %v", after)
				}
				c.Close()
				<-sent
				if err := s.end(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// The time for one answer is no limit of the next, which another handler of
// the server may write.
func TestWriteLimitEndsWithTheAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mux := http.NewServeMux()
		mux.Handle("/", newTestHandler(t, record(nil).router, Options{}))
		mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "ok") })
		s := start(t, mux, 0)
		c, err := s.dial()
		if err != nil {
			t.Fatal(err)
		}
		answers := bufio.NewReader(c)
		for _, r := range []*http.Request{structuredRequest(), post("x"), httptest.NewRequest("GET", "/healthz", nil), structuredRequest(), httptest.NewRequest("GET", "/healthz", nil)} {
			go r.Write(c)
			resp, err := http.ReadResponse(answers, r)
			if err != nil {
				t.Fatalf("%s %s: %v", r.Method, r.URL, err)
			}
			io.Copy(io.Discard, resp.Body)
			time.Sleep(time.Minute)
		}
		c.Close()
		if err := s.end(); err != nil {
			t.Error(err)
		}
	})
}

// A client that reads no answer holds nothing for long.
func TestUnreadAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, r := range []*http.Request{structuredRequest(), post("x")} {
			s := start(t, newTestHandler(t, record(nil).router, Options{}), 0)
			c, err := s.dial()
			if err != nil {
				t.Fatal(err)
			}
			if err := r.Write(c); err != nil {
				t.Fatal(err)
			}
			time.Sleep(11 * time.Second)
			began := time.Now()
			if err := s.end(); err != nil || time.Since(began) > time.Second {
				t.Errorf("the server stops after %v: %v", time.Since(began), err)
			}
			c.Close()
		}
	})
}
