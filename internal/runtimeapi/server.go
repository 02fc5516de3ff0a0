package runtimeapi

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// A server is the HTTP face of one execution environment: what a bootstrap
// finds at AWS_LAMBDA_RUNTIME_API.
type server struct {
	queue chan *running // invocations that no poller has taken

	mu         sync.Mutex
	open       map[string]*running // handed out and not answered, by request id
	serial     int
	extensions map[string]string // id -> name
	initError  *Failure
	started    time.Time // of the process
	asked      time.Time // for an invocation, the first time; zero: not yet
	ended      *Failure  // why nothing can be answered any more; nil while it can

	expired func(stacks time.Duration) // told when an invocation passed its deadline

	done chan struct{} // closed with ended: pollers go home
}

// running is one invocation on its way.
type running struct {
	Invocation
	answered chan Answer // takes one answer
	taken    time.Time
	timer    *time.Timer
}

func newServer(expired func(time.Duration)) *server {
	return &server{
		queue:      make(chan *running, 1024),
		open:       make(map[string]*running),
		extensions: make(map[string]string),
		expired:    expired,
		done:       make(chan struct{}),
	}
}

// routes are the calls of the two APIs that a Go runtime makes.
func (s *server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", s.next)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/response", s.response)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/error", s.failure)
	mux.HandleFunc("POST /2018-06-01/runtime/init/error", s.initFailure)
	mux.HandleFunc("POST /2020-01-01/extension/register", s.register)
	mux.HandleFunc("GET /2020-01-01/extension/event/next", s.extensionNext)
	return mux
}

// enqueue hands inv to the next poller that asks.
func (s *server) enqueue(inv Invocation) <-chan Answer {
	r := &running{Invocation: inv, answered: make(chan Answer, 1)}
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.ID == "" {
		s.serial++
		r.ID = fmt.Sprintf("00000000-0000-4000-8000-%012d", s.serial)
	}
	if s.ended != nil {
		r.answered <- Answer{ID: r.ID, Failure: s.ended}
		return r.answered
	}
	select {
	case s.queue <- r:
	default: // nobody takes them
		r.answered <- Answer{ID: r.ID, Failure: &Failure{Type: "TooManyRequestsException", Message: "Rate Exceeded."}}
	}
	return r.answered
}

func (s *server) next(w http.ResponseWriter, req *http.Request) {
	s.mu.Lock()
	if s.asked.IsZero() {
		s.asked = time.Now()
	}
	s.mu.Unlock()
	var r *running
	select {
	case r = <-s.queue:
	case <-s.done:
		refuse(w, http.StatusForbidden, "Environment.Ended", "the environment has ended")
		return
	case <-req.Context().Done():
		return
	}

	now := time.Now()
	s.mu.Lock()
	r.taken = now
	if r.Deadline.IsZero() {
		timeout := r.Timeout
		if timeout <= 0 {
			timeout = 3 * time.Second
		}
		r.Deadline = now.Add(timeout)
	}
	s.open[r.ID] = r
	r.timer = time.AfterFunc(time.Until(r.Deadline), func() { s.expire(r.ID) })
	s.mu.Unlock()

	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Lambda-Runtime-Aws-Request-Id", r.ID)
	h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(r.Deadline.UnixMilli(), 10))
	h.Set("Lambda-Runtime-Invoked-Function-Arn", orElse(r.FunctionARN, "arn:aws:lambda:eu-west-1:123456789012:function:function"))
	h.Set("Lambda-Runtime-Trace-Id", orElse(r.TraceID, "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=0"))
	_, _ = w.Write(r.Payload) // a poller that is gone answers nothing: the invocation expires
}

func (s *server) response(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(io.LimitReader(req.Body, MaxAnswer+1))
	if err != nil {
		refuse(w, http.StatusBadRequest, "InvalidRequest", err.Error())
		return
	}
	if len(body) > MaxAnswer {
		s.settle(req.PathValue("id"), Answer{Failure: &Failure{
			Type:    "Function.ResponseSizeTooLarge",
			Message: fmt.Sprintf("Response payload size exceeded maximum allowed payload size (%d bytes).", MaxAnswer),
		}})
		refuse(w, http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", fmt.Sprintf("Exceeded maximum allowed payload size (%d bytes).", MaxAnswer))
		return
	}
	a := Answer{Payload: body}
	// A body that breaks off says so in a trailer.
	if kind := req.Trailer.Get("Lambda-Runtime-Function-Error-Type"); kind != "" {
		a = Answer{Failure: &Failure{Type: kind, Message: "the response broke off"}}
	}
	s.answer(w, req.PathValue("id"), a)
}

func (s *server) failure(w http.ResponseWriter, req *http.Request) {
	f, err := readFailure(req)
	if err != nil {
		refuse(w, http.StatusBadRequest, "InvalidErrorShape", err.Error())
		return
	}
	s.answer(w, req.PathValue("id"), Answer{Failure: f})
}

func (s *server) initFailure(w http.ResponseWriter, req *http.Request) {
	f, err := readFailure(req)
	if err != nil {
		refuse(w, http.StatusBadRequest, "InvalidErrorShape", err.Error())
		return
	}
	s.mu.Lock()
	s.initError = f
	s.mu.Unlock()
	w.WriteHeader(http.StatusAccepted)
}

// register takes an internal extension: one that runs in the function's own
// process. It may ask for INVOKE events, which are not modelled, but not for
// SHUTDOWN.
func (s *server) register(w http.ResponseWriter, req *http.Request) {
	name := req.Header.Get("Lambda-Extension-Name")
	var body struct{ Events []string }
	if err := json.NewDecoder(req.Body).Decode(&body); err != nil || name == "" {
		refuse(w, http.StatusBadRequest, "InvalidRequest", "a register call has a Lambda-Extension-Name and a JSON body")
		return
	}
	for _, event := range body.Events {
		if event == "SHUTDOWN" {
			refuse(w, http.StatusForbidden, "ShutdownEventNotSupportedForInternalExtension", "internal extensions get no SHUTDOWN event")
			return
		}
	}
	s.mu.Lock()
	id := fmt.Sprintf("00000000-0000-4000-9000-%012d", len(s.extensions)+1)
	s.extensions[id] = name
	s.mu.Unlock()
	w.Header().Set("Lambda-Extension-Identifier", id)
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, `{"functionName":"function","functionVersion":"$LATEST","handler":"bootstrap"}`)
}

// extensionNext never returns while the environment lives: nobody registered
// for an event.
func (s *server) extensionNext(w http.ResponseWriter, req *http.Request) {
	s.mu.Lock()
	_, ok := s.extensions[req.Header.Get("Lambda-Extension-Identifier")]
	s.mu.Unlock()
	if !ok {
		refuse(w, http.StatusForbidden, "Extension.UnknownExtensionIdentifier", "unknown extension")
		return
	}
	select {
	case <-s.done:
	case <-req.Context().Done():
	}
}

// registered reports whether any extension is: without one, no SIGTERM comes.
func (s *server) registered() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.extensions) > 0
}

// answer settles the open invocation id, if it is still open.
func (s *server) answer(w http.ResponseWriter, id string, a Answer) {
	if !s.settle(id, a) {
		refuse(w, http.StatusBadRequest, "InvalidRequestID", "no open invocation has the request id "+id)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusAccepted)
	_, _ = io.WriteString(w, `{"status":"OK"}`)
}

func (s *server) settle(id string, a Answer) bool {
	now := time.Now()
	s.mu.Lock()
	r := s.open[id]
	delete(s.open, id)
	s.mu.Unlock()
	if r == nil {
		return false
	}
	r.timer.Stop()
	a.ID, a.Took, a.Left = id, now.Sub(r.taken), r.Deadline.Sub(now)
	r.answered <- a
	return true
}

// expire is what Lambda does at the deadline: the caller gets a timeout, and
// the environment is killed.
func (s *server) expire(id string) {
	s.mu.Lock()
	r := s.open[id]
	s.mu.Unlock()
	if r == nil {
		return
	}
	seconds := r.Deadline.Sub(r.taken).Seconds()
	if s.settle(id, Answer{Failure: &Failure{
		Type:    "Sandbox.Timedout",
		Message: fmt.Sprintf("RequestId: %s Error: Task timed out after %.2f seconds", id, seconds),
	}}) {
		s.expired(r.Stacks)
	}
}

// end answers all that is open or queued with why, and sends pollers home.
func (s *server) end(why Failure) {
	s.mu.Lock()
	if s.ended != nil {
		s.mu.Unlock()
		return
	}
	s.ended = &why
	ids := make([]string, 0, len(s.open))
	for id := range s.open {
		ids = append(ids, id)
	}
	close(s.done)
	s.mu.Unlock()
	for _, id := range ids {
		s.settle(id, Answer{Failure: &why})
	}
	for {
		select {
		case r := <-s.queue:
			r.answered <- Answer{ID: r.ID, Failure: &why}
		default:
			return
		}
	}
}

func readFailure(req *http.Request) (*Failure, error) {
	var f Failure
	if err := json.NewDecoder(req.Body).Decode(&f); err != nil {
		return nil, fmt.Errorf("an error is reported as JSON: %w", err)
	}
	if f.Type == "" {
		f.Type = req.Header.Get("Lambda-Runtime-Function-Error-Type")
	}
	return &f, nil
}

func refuse(w http.ResponseWriter, status int, kind, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(Failure{Type: kind, Message: message})
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
