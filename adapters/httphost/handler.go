package httphost

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/internal/delivery"
)

// Handler returns a handler that delivers the events of each POST by r, and
// answers OPTIONS, by which senders ask whether they may. Register all routes
// before. nil options are the zero Options.
//
// It panics when it could not keep what the package promises: when
// Options.Sender has no status for an event that cannot succeed, and a route
// of r no dead letter.
func Handler(r *eventfx.Router, opts *Options) http.Handler {
	if opts == nil {
		opts = &Options{}
	}
	h, err := newHandler(r, *opts)
	if err != nil {
		panic(err)
	}
	return h
}

func newHandler(r *eventfx.Router, opts Options) (*handler, error) {
	if err := opts.check(r); err != nil {
		return nil, err
	}
	s := senders[opts.Sender]
	h := &handler{
		router:      r,
		opts:        opts,
		sender:      s,
		timeout:     orElse(opts.Timeout, s.timeout),
		bodyTimeout: orElse(opts.BodyTimeout, 10*time.Second),
		maxBody:     orElse(opts.MaxBody, s.maxBody),
	}
	if n := orElse(opts.MaxRequests, 256); n > 0 {
		h.slots = make(chan struct{}, n)
	}
	if h.opts.RetryAfter == 0 {
		h.opts.RetryAfter = time.Second
	}
	return h, nil
}

// A handler keeps nothing of a request.
type handler struct {
	router      *eventfx.Router
	opts        Options
	sender      sender
	timeout     time.Duration // 0: none
	bodyTimeout time.Duration // 0: none
	maxBody     int64         // 0: none
	slots       chan struct{} // one for each request at work; nil: no limit
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	if h.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, h.timeout)
		defer cancel()
	}
	// Also of what is refused the server reads a body to its end.
	h.limitReading(ctx, w)
	switch r.Method {
	case http.MethodPost:
	case http.MethodOptions:
		h.handshake(w, r)
		return
	default:
		w.Header().Set("Allow", allowed)
		h.refuse(w, &problem{status: http.StatusMethodNotAllowed, text: "events are sent by POST"})
		return
	}
	if !h.enter() {
		h.refuse(w, &problem{status: http.StatusTooManyRequests, text: "too many requests at once", again: true})
		return
	}
	defer h.leave()
	if p := h.authorize(r); p != nil {
		h.refuse(w, p)
		return
	}
	req, p := h.read(w, r)
	if p != nil {
		h.refuse(w, p)
		return
	}
	in, p := req.open()
	if p != nil && p.event && h.sender.dead == 0 {
		// It would come again and again: let it be kept with the dead letters.
		in, p = &incoming{messages: []*eventfx.Message{req.unreadable(p)}}, nil
	}
	switch {
	case p != nil:
		h.refuse(w, p)
	case in.validation != "":
		h.validate(w, in)
	default:
		h.deliver(ctx, w, in)
	}
}

func (h *handler) enter() bool {
	if h.slots == nil {
		return true
	}
	select {
	case h.slots <- struct{}{}:
		return true
	default:
		return false
	}
}

func (h *handler) leave() {
	if h.slots != nil {
		<-h.slots
	}
}

// deliver runs the messages until a margin before the deadline of ctx.
func (h *handler) deliver(ctx context.Context, w http.ResponseWriter, in *incoming) {
	run, cancel := delivery.WithMargin(ctx, 0)
	failures := h.router.Deliver(run, in.messages)
	cancel()
	if h.opts.Drop {
		failures = dropped(ctx, failures)
	}
	if len(failures) == 0 {
		send(w, http.StatusNoContent, nil)
		return
	}
	h.answer(w, failures)
}

// dropped logs failures that Options.Drop gives up, and returns the others.
func dropped(ctx context.Context, failures []eventfx.Failure) []eventfx.Failure {
	var left []eventfx.Failure
	for _, f := range failures {
		if !isPermanent(f.Err) {
			left = append(left, f)
			continue
		}
		m := f.Message
		slog.LogAttrs(ctx, slog.LevelWarn, "httphost: an event that cannot succeed was dropped",
			slog.String("type", m.Type()), slog.String("source", m.Source()), slog.String("id", m.ID()),
			slog.String("error", f.Err.Error()))
	}
	return left
}

// isPermanent reads an error of one message as the router does.
func isPermanent(err error) bool {
	if p, ok := errors.AsType[interface {
		error
		Permanent() bool
	}](err); ok {
		return p.Permanent()
	}
	return errors.Is(err, eventfx.ErrNoRoute)
}
