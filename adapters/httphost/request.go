package httphost

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/eventfx/eventfx-go/internal/cloudevent"
)

// maxAttributes is how many bytes the ce- headers of a request may have:
// what every part of CloudEvents must be able to carry.
const maxAttributes = 64 << 10

// A problem is a request that is answered without a delivery.
type problem struct {
	status int
	text   string // about the request, which its sender knows
	again  bool   // the sender may try again: Retry-After is sent
	event  bool   // it was meant as an event, and is not a valid one
}

func malformed(format string, args ...any) *problem {
	return &problem{status: http.StatusBadRequest, text: fmt.Sprintf(format, args...), event: true}
}

func unsupported(format string, args ...any) *problem {
	return &problem{status: http.StatusUnsupportedMediaType, text: fmt.Sprintf(format, args...)}
}

// A request is what was read of one.
type request struct {
	header      http.Header
	contentType string
	mode        cloudevent.Mode
	body        []byte
}

// authorize returns nil when the request may deliver.
func (h *handler) authorize(r *http.Request) *problem {
	if h.opts.Authorize == nil {
		return nil
	}
	ok, err := h.opts.Authorize(r, token(r))
	switch {
	case err != nil:
		return &problem{status: http.StatusServiceUnavailable, text: "the authorization could not be checked", again: true}
	case !ok:
		return &problem{status: http.StatusUnauthorized, text: "not authorized"}
	}
	return nil
}

// token returns what the request bears. The header outdoes the query.
func token(r *http.Request) string {
	if value := strings.TrimSpace(r.Header.Get("Authorization")); value != "" {
		if scheme, rest, ok := strings.Cut(value, " "); ok && strings.EqualFold(scheme, "bearer") {
			return strings.TrimSpace(rest)
		}
		return value
	}
	return r.URL.Query().Get("access_token")
}

// read reads a request whose headers allow it to be one of ours.
func (h *handler) read(w http.ResponseWriter, r *http.Request) (*request, *problem) {
	req := &request{header: r.Header}
	if p := req.checkHeaders(); p != nil {
		return nil, p
	}
	tooLarge := &problem{status: http.StatusRequestEntityTooLarge, text: fmt.Sprintf("a body has at most %d bytes", h.maxBody)}
	if h.maxBody > 0 && r.ContentLength > h.maxBody {
		w.Header().Set("Connection", "close") // rather than read it all
		return nil, tooLarge
	}
	body := r.Body
	if body == nil {
		body = http.NoBody // in a test
	}
	if h.maxBody > 0 {
		body = http.MaxBytesReader(w, body, h.maxBody)
	}
	var buf bytes.Buffer
	if _, err := buf.ReadFrom(body); err != nil {
		var netErr net.Error
		_, large := errors.AsType[*http.MaxBytesError](err)
		switch {
		case large:
			return nil, tooLarge
		case errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &netErr) && netErr.Timeout(), errors.Is(err, io.ErrUnexpectedEOF):
			// No fault of the event: it must not be dropped for it.
			w.Header().Set("Connection", "close")
			return nil, &problem{status: h.sender.slow, text: "the body did not come to its end", again: true}
		}
		return nil, &problem{status: http.StatusBadRequest, text: "the body could not be read"}
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
	req.body = bytes.Clone(buf.Bytes())
	return req, nil
}

// limitReading sets a deadline for reading the body. The server takes it back
// for the next request, and read when the body is there: while handlers run,
// the server reads on to see whether the client is, and the deadline would end
// their context.
func (h *handler) limitReading(ctx context.Context, w http.ResponseWriter) {
	deadline, ok := ctx.Deadline()
	if h.bodyTimeout > 0 {
		if limit := time.Now().Add(h.bodyTimeout); !ok || limit.Before(deadline) {
			deadline, ok = limit, true
		}
	}
	if ok {
		_ = http.NewResponseController(w).SetReadDeadline(deadline) // where there are deadlines
	}
}

// checkHeaders finds the mode, and refuses what no body can make good.
func (req *request) checkHeaders() *problem {
	attributes := 0
	for name, values := range req.header {
		if _, ok := cloudevent.HTTP.Name(name); ok {
			for _, value := range values {
				attributes += len(name) + len(value)
			}
		}
	}
	if attributes > maxAttributes {
		return &problem{status: http.StatusRequestHeaderFieldsTooLarge, text: fmt.Sprintf("the ce- headers have more than %d bytes", maxAttributes)}
	}
	types := req.header.Values("Content-Type")
	if len(types) > 1 {
		return malformed("the header Content-Type is there %d times", len(types))
	}
	if len(types) == 1 {
		req.contentType = strings.TrimSpace(types[0])
	}
	for _, coding := range req.header.Values("Content-Encoding") {
		if c := strings.TrimSpace(coding); c != "" && !strings.EqualFold(c, "identity") {
			return unsupported("content coding %q: send the body as it is", c)
		}
	}
	req.mode = cloudevent.ModeOf(req.contentType)
	switch req.mode {
	case cloudevent.OtherFormat:
		return unsupported("%q: of the event formats only JSON is known", cloudevent.Media(req.contentType))
	case cloudevent.Structured, cloudevent.Batched:
		return req.checkCharset()
	}
	if req.hasEvent() || req.isJSON() {
		return req.checkCharsetOfJSON()
	}
	if found := req.attributeHeaders(); len(found) > 0 {
		return malformed("%s", req.missing())
	}
	return unsupported("no CloudEvent: send Content-Type %s, or the headers ce-specversion, ce-id, ce-source and ce-type", cloudevent.MediaType)
}

func (req *request) checkCharset() *problem {
	_, params, err := mime.ParseMediaType(req.contentType)
	if err != nil {
		return malformed("the header Content-Type is no media type")
	}
	if charset := params["charset"]; charset != "" && !strings.EqualFold(charset, "utf-8") && !strings.EqualFold(charset, "us-ascii") {
		return unsupported("charset %q: JSON is sent in UTF-8", charset)
	}
	return nil
}

// checkCharsetOfJSON leaves the charset of data to its handler.
func (req *request) checkCharsetOfJSON() *problem {
	if req.hasEvent() {
		return nil
	}
	return req.checkCharset()
}

func (req *request) isJSON() bool { return cloudevent.IsJSON(req.contentType) }

// hasEvent reports whether all four required attributes are headers.
func (req *request) hasEvent() bool {
	for _, name := range cloudevent.Required {
		if len(req.header.Values(cloudevent.HTTP.Prefix+name)) == 0 {
			return false
		}
	}
	return true
}

func (req *request) attributeHeaders() (names []string) {
	for key := range req.header {
		if name, ok := cloudevent.HTTP.Name(key); ok {
			names = append(names, name)
		}
	}
	return names
}

// missing says which of the required headers are not there.
func (req *request) missing() string {
	var names []string
	for _, name := range cloudevent.Required {
		if len(req.header.Values(cloudevent.HTTP.Prefix+name)) == 0 {
			names = append(names, cloudevent.HTTP.Prefix+name)
		}
	}
	return "no CloudEvent without the header " + strings.Join(names, ", ")
}

// receives is how often Event Grid has sent the request, this one included: it
// counts from 0.
func (req *request) receives() int {
	n, err := strconv.ParseUint(req.header.Get("Aeg-Delivery-Count"), 10, 31)
	if err != nil {
		return 0
	}
	return int(n) + 1
}

// carried are the headers that a message's Origin keeps: traces, and what
// senders say about the delivery. Secrets are not among them, for messages end
// in logs and dead letters.
var carried = [...]string{
	"traceparent", "tracestate", "baggage", "b3", "x-cloud-trace-context", "x-amzn-trace-id",
	"x-request-id", "webhook-request-origin",
	"aeg-subscription-name", "aeg-delivery-count", "aeg-event-type", "aeg-output-event-id",
}

func (req *request) attributes() map[string]string {
	var found map[string]string
	for _, name := range carried {
		if values := req.header.Values(name); len(values) > 0 {
			if found == nil {
				found = make(map[string]string)
			}
			found[name] = strings.Join(values, ",")
		}
	}
	return found
}
