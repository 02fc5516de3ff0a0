package httphost

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/eventfx/eventfx-go/eventfx"
)

const (
	textLimit  = 500              // bytes of a failure's text
	writeLimit = 10 * time.Second // for a client that does not read its answer
)

// A failed is an element of the list that is the body of an answer.
type failed struct {
	Source string `json:"source,omitempty"`
	ID     string `json:"id,omitempty"`
	Error  string `json:"error"`
}

// refuse answers a request that is not delivered.
func (h *handler) refuse(w http.ResponseWriter, p *problem) {
	if p.again {
		w.Header().Set("Retry-After", seconds(h.opts.RetryAfter))
	}
	write(w, p.status, []failed{{Error: cut(p.text)}})
}

// answer answers a request of which something failed: with its worst status,
// the one that brings it back.
func (h *handler) answer(w http.ResponseWriter, failures []eventfx.Failure) {
	var status, rank int
	var after time.Duration
	list := make([]failed, len(failures))
	for i, f := range failures {
		s, r, text := h.judge(f)
		if r > rank {
			status, rank = s, r
		}
		after = max(after, f.After)
		if h.opts.ErrorText != nil {
			text = h.opts.ErrorText(f)
		}
		list[i] = failed{Source: f.Message.Source(), ID: f.Message.ID(), Error: cut(text)}
		if e, ok := errors.AsType[*malformedError](f.Message.Err); ok {
			list[i].Source, list[i].ID = e.source, e.id
		}
	}
	if status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests {
		if after <= 0 {
			after = h.opts.RetryAfter
		}
		w.Header().Set("Retry-After", seconds(after))
	}
	write(w, status, list)
}

// judge returns the status for one failure, how much it outweighs others, and
// what its sender may know.
func (h *handler) judge(f eventfx.Failure) (status, rank int, text string) {
	if isPermanent(f.Err) && h.sender.dead != 0 {
		if e, ok := errors.AsType[*malformedError](f.Message.Err); ok {
			return http.StatusBadRequest, 1, e.text
		}
		if errors.Is(f.Err, eventfx.ErrNoRoute) {
			return h.sender.dead, 2, "nothing here handles the event"
		}
		return h.sender.dead, 2, "the event cannot be handled"
	}
	if errors.Is(f.Err, eventfx.ErrUnfinished) {
		if _, ok := errors.AsType[interface {
			error
			RetryAfter() time.Duration
		}](f.Err); ok { // turned away before it ran, as by handlers.Limit
			return http.StatusTooManyRequests, 3, "too many events at once"
		}
		return http.StatusServiceUnavailable, 4, "not finished in time"
	}
	return http.StatusServiceUnavailable, 4, "failed, and may succeed later"
}

// write sends a list. That the client may be gone is no news to anybody.
func write(w http.ResponseWriter, status int, list []failed) {
	body, err := json.Marshal(list)
	if err != nil {
		panic(err) // strings can be written
	}
	send(w, status, body)
}

// send sends an answer within a time, after which the server ends the limit.
func send(w http.ResponseWriter, status int, body []byte) {
	if body != nil {
		body = append(body, '\n')
		header := w.Header()
		header.Set("Content-Type", "application/json")
		header.Set("Content-Length", strconv.Itoa(len(body)))
		header.Set("X-Content-Type-Options", "nosniff")
	}
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeLimit)) // where there are deadlines
	w.WriteHeader(status)
	if body != nil {
		_, _ = w.Write(body)
	}
}

// seconds writes a delay for Retry-After.
func seconds(d time.Duration) string {
	n := int64(d / time.Second)
	if d%time.Second > 0 {
		n++
	}
	return strconv.FormatInt(n, 10)
}

func cut(text string) string {
	text = strings.ToValidUTF8(text, "?")
	if len(text) > textLimit {
		text = strings.ToValidUTF8(text[:textLimit], "") + "..."
	}
	return text
}
