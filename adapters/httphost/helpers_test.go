package httphost

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/eventfx/eventfx-go/eventfx"
)

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler))
	os.Exit(m.Run())
}

// recorder is a router that keeps what it is given, and fails what fail says.
type recorder struct {
	router   *eventfx.Router
	messages []*eventfx.Message
}

func record(fail func(*eventfx.Message) error) *recorder {
	rec := &recorder{router: &eventfx.Router{}}
	rec.router.Observer.Batch = func(ctx context.Context, messages []*eventfx.Message) (context.Context, func([]eventfx.Failure)) {
		rec.messages = append(rec.messages, messages...)
		return ctx, nil
	}
	rec.router.Default = func(_ context.Context, d *eventfx.Delivery) error {
		if fail == nil {
			return nil
		}
		return fail(d.Messages[0])
	}
	return rec
}

func newTestHandler(t testing.TB, r *eventfx.Router, opts Options) *handler {
	t.Helper()
	h, err := newHandler(r, opts)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// serve gives a request to a handler.
func serve(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// post makes a request; headers are pairs, and one with the same name twice is
// there twice.
func post(body string, headers ...string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	return r
}

// binary makes a request with the four required headers and more.
func binary(body string, headers ...string) *http.Request {
	r := post(body, "Ce-Specversion", "1.0", "Ce-Id", "1", "Ce-Source", "/shop", "Ce-Type", "order.placed")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	return r
}

const orderEvent = `{"specversion":"1.0","id":"1","source":"/shop","type":"order.placed","data":{"id":"o-1"}}`

func structuredRequest() *http.Request {
	return post(orderEvent, "Content-Type", "application/cloudevents+json")
}

// list reads the body of an answer.
func list(t testing.TB, w *httptest.ResponseRecorder) []failed {
	t.Helper()
	var got []failed
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
		t.Fatalf("answer %d %q: %v", w.Code, w.Body, err)
	}
	return got
}

// samples reads testdata/samples: requests as they go over the wire, except
// that their length is that of the rest of the file.
func samples(t testing.TB) map[string]func() *http.Request {
	t.Helper()
	files, err := filepath.Glob("testdata/samples/*.http")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d samples: %v", len(files), err)
	}
	all := make(map[string]func() *http.Request)
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		head, body, ok := bytes.Cut(raw, []byte("\n\n"))
		if !ok {
			t.Fatalf("%s has no empty line", file)
		}
		head = append(bytes.ReplaceAll(head, []byte("\n"), []byte("\r\n")), "\r\n\r\n"...)
		all[strings.TrimSuffix(filepath.Base(file), ".http")] = func() *http.Request {
			r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(head)))
			if err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
			return r
		}
	}
	return all
}

// A pipeListener accepts connections in memory, in the time of a bubble.
type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
}

func newPipeListener() *pipeListener {
	return &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	select {
	case <-l.closed:
	default:
		close(l.closed)
	}
	return nil
}

func (l *pipeListener) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

func (l *pipeListener) dial() (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case l.conns <- server:
		return client, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// running is a server of Serve in a bubble.
type running struct {
	*pipeListener
	stop  context.CancelFunc
	ended chan error
}

func start(t *testing.T, h http.Handler, drain time.Duration) *running {
	ctx, stop := context.WithCancel(t.Context())
	s := &running{pipeListener: newPipeListener(), stop: stop, ended: make(chan error, 1)}
	go func() { s.ended <- Serve(ctx, s, h, drain) }()
	return s
}

// end stops the server and returns what Serve did.
func (s *running) end() error {
	s.stop()
	return <-s.ended
}

// do sends a request over a connection of its own.
func (s *running) do(r *http.Request) (*http.Response, error) {
	c, err := s.dial()
	if err != nil {
		return nil, err
	}
	defer c.Close()
	r.Close = true
	sent := make(chan error, 1)
	go func() { sent <- r.Write(c) }()
	resp, err := http.ReadResponse(bufio.NewReader(c), r)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(resp.Body)
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, err
}

var errBroken = errors.New("secret: connection to 10.0.0.7 refused")
