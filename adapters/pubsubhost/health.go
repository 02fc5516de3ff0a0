package pubsubhost

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Health answers whether a worker lives and is ready, over HTTP:
//
//	/livez    503 when no message has been finished for a minute longer than
//	          Options.Deadline though there is no place for another, and when
//	          Run has returned: the process should be started again
//	/readyz   503 before Run, while the subscription is broken, and from the
//	          stop on
//
// What stands before these in the path does not matter, so that it can be
// mounted anywhere. The zero Health works. It is for one Run at a time.
type Health struct {
	mu     sync.Mutex
	worker *worker
	ended  bool
}

// stuckAfter is how much longer than its deadline a message may take.
const stuckAfter = time.Minute

func (h *Health) attach(w *worker) {
	if h == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.worker, h.ended = w, false
}

func (h *Health) detach(w *worker) {
	if h == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.worker == w {
		h.worker, h.ended = nil, true
	}
}

// ServeHTTP answers 200, or 503 with the reason as text.
func (h *Health) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	var wrong string
	switch path := r.URL.Path; {
	case strings.HasSuffix(path, "/livez"):
		wrong = h.dead()
	case strings.HasSuffix(path, "/readyz"):
		wrong = h.unready()
	default:
		http.NotFound(out, r)
		return
	}
	out.Header().Set("Content-Type", "text/plain; charset=utf-8")
	out.Header().Set("Cache-Control", "no-store")
	if wrong != "" {
		out.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprintln(out, wrong)
		return
	}
	fmt.Fprintln(out, "ok")
}

func (h *Health) current() (*worker, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.worker, h.ended
}

// dead says why the process is of no more use, or "".
func (h *Health) dead() string {
	w, ended := h.current()
	if ended {
		return "the worker has ended"
	}
	if w == nil || w.Deadline <= 0 {
		return ""
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	still := time.Since(w.progress)
	if w.inHand >= w.limit() && still > w.Deadline+stuckAfter {
		return fmt.Sprintf("%d messages are in hand, and none has been finished for %v", w.inHand, still.Truncate(time.Second))
	}
	return ""
}

// unready says why nothing is received, or "".
func (h *Health) unready() string {
	w, ended := h.current()
	switch {
	case ended:
		return "the worker has ended"
	case w == nil:
		return "the worker has not begun"
	case w.ctx.Err() != nil:
		return "the worker is stopping"
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.broken != nil {
		return "the subscription is broken: " + w.broken.Error()
	}
	return ""
}
