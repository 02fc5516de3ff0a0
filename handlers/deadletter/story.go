package deadletter

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/eventfx/eventfx-go/eventfx"
)

// A Story says why a message died.
type Story struct {
	// Reason is permanent, decode, panic or retriesexhausted. It is "" when
	// nobody recorded one: a queue gave the message up by itself.
	Reason string `json:"reason,omitempty"`

	// Route is the name of the source whose handler failed; "" without a route.
	Route string `json:"route,omitempty"`

	// Error is the text of the last error, at most 1 KB. ErrorType is its Go
	// type, without package and pointer, and without the wrappers around it.
	Error     string `json:"error,omitempty"`
	ErrorType string `json:"errortype,omitempty"`

	// Attempts are the runs of the last delivery: when there were many, the
	// first and the last of them, with their errors. Runs counts them all.
	Attempts []Attempt `json:"attempts,omitempty"`
	Runs     int       `json:"runs"`

	// Stack is that of the last panic, at most 8 KB.
	Stack string `json:"stack,omitempty"`

	// Receives counts the deliveries by the source; 0 if it does not count.
	Receives int `json:"receives,omitempty"`

	// Origin is where the message came from the last time.
	Origin Origin `json:"origin"`

	// FirstTime is when it died first: a replay may have been in between. Time
	// is when it died.
	FirstTime time.Time `json:"firsttime"`
	Time      time.Time `json:"time"`

	// RequestID is what TopicOptions.RequestID or BucketOptions.RequestID said.
	RequestID string `json:"requestid,omitempty"`

	// Redacted says that values were removed from the data.
	Redacted bool `json:"redacted,omitempty"`
}

// An Attempt is one run of the handler.
type Attempt struct {
	Started time.Time `json:"started"`
	Ended   time.Time `json:"ended"`
	Error   string    `json:"error"`
}

// An Origin is where a message came from: see eventfx.Origin.
type Origin struct {
	ID      string `json:"id,omitempty"`
	Address string `json:"address,omitempty"`
	Name    string `json:"name,omitempty"`
}

// What a story holds at most; the whole of it fits a message beside the data.
const (
	maxError    = 1024
	maxStack    = 8 << 10
	maxText     = 1024 // of any other text
	maxAttempts = 10
	maxStory    = 24 << 10 // as JSON
	leastStory  = 2 << 10  // what it is cut to when the letter is too large
)

// newStory returns the story of d. Texts have gone through scrub, which must
// see them whole.
func newStory(d *eventfx.Dead, now time.Time, requestID string, scrub func(string) string) Story {
	m := d.Message
	s := Story{
		Reason: d.Reason, Route: cut(d.Route, maxText),
		Error: errorText(d.Err, scrub), ErrorType: errorType(d.Err),
		Runs: len(d.Attempts), Receives: m.Origin.Receives,
		Origin: Origin{
			ID: cut(scrub(m.Origin.ID), maxText), Address: cut(scrub(m.Origin.Address), maxText), Name: cut(scrub(m.Origin.Name), maxText),
		},
		FirstTime: now, Time: now, RequestID: cut(scrub(requestID), maxText),
	}
	if first, ok := firstTime(m); ok {
		s.FirstTime = first
	}
	kept := d.Attempts
	if n := len(kept); n > maxAttempts {
		kept = append([]eventfx.Attempt{kept[0]}, kept[n-maxAttempts+1:]...)
	}
	var stack []byte
	for _, a := range kept {
		s.Attempts = append(s.Attempts, Attempt{Started: a.Started.UTC(), Ended: a.Ended.UTC(), Error: errorText(a.Err, scrub)})
		if own := stackOf(a.Err); own != nil {
			stack = own
		}
	}
	if own := stackOf(d.Err); own != nil {
		stack = own
	}
	s.Stack = cut(scrub(string(stack)), maxStack)
	return s
}

// within returns the story as JSON of at most limit bytes, or as few as it
// needs for what is never left out.
func (s Story) within(limit int, wrap func(Story) any) []byte {
	for {
		b, err := json.Marshal(wrap(s))
		if err != nil || len(b) <= limit {
			return safeJSON(b)
		}
		switch {
		case len(s.Stack) > 256:
			s.Stack = cut(s.Stack, len(s.Stack)/2)
		case len(s.Attempts) > 2:
			s.Attempts = append(s.Attempts[:1:1], s.Attempts[2:]...) // the first and the last tell most
		case s.Stack != "":
			s.Stack = ""
		case len(s.Attempts) > 0:
			s.Attempts = nil // the last error is kept beside them
		case len(s.Error) > 128:
			s.Error = cut(s.Error, len(s.Error)/2)
		default:
			return safeJSON(b)
		}
	}
}

// safeJSON escapes what no attribute may hold, neither CloudEvents' nor SQS's;
// such characters stand in strings only.
func safeJSON(b []byte) []byte {
	if !strings.ContainsFunc(string(b), illegal) {
		return b
	}
	var out []byte
	for _, r := range string(b) {
		if !illegal(r) {
			out = utf8.AppendRune(out, r)
			continue
		}
		if r > 0xffff {
			out = append(out, `\ufffd`...)
			continue
		}
		const hex = "0123456789abcdef"
		out = append(out, '\\', 'u', hex[r>>12&15], hex[r>>8&15], hex[r>>4&15], hex[r&15])
	}
	return out
}

// illegal reports whether a text attribute must not have r.
func illegal(r rune) bool {
	return r < 0x20 || 0x7f <= r && r <= 0x9f || 0xfdd0 <= r && r <= 0xfdef || r&0xfffe == 0xfffe
}

func errorText(err error, scrub func(string) string) string {
	if err == nil {
		return ""
	}
	return cut(oneLine(scrub(err.Error())), maxError)
}

// oneLine makes a value of an attribute: CloudEvents forbids control
// characters, and an error may repeat anything that came in.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) || illegal(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\ufffd"))
}

// cut returns at most n bytes of s, whole characters.
func cut(s string, n int) string {
	s = strings.ToValidUTF8(s, "\ufffd")
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

func stackOf(err error) []byte {
	p, ok := errors.AsType[*eventfx.PanicError](err)
	if !ok {
		return nil
	}
	return p.Stack
}

// errorType returns the name of the type of err: of the first in the chain that
// is no mere wrapper.
func errorType(err error) string {
	if err == nil {
		return ""
	}
	for {
		t := reflect.TypeOf(err)
		for t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
		_, panicked := err.(*eventfx.PanicError)
		wrapper, wraps := err.(interface{ Unwrap() error })
		if wraps && !panicked && isWrapper(t.PkgPath()) {
			if inner := wrapper.Unwrap(); inner != nil {
				err = inner
				continue
			}
		}
		if t.Name() == "" {
			return cut(oneLine(t.String()), maxText)
		}
		return t.Name()
	}
}

func isWrapper(pkg string) bool {
	return pkg == "fmt" || pkg == "errors" || strings.HasSuffix(pkg, "eventfx-go/eventfx") || strings.HasSuffix(pkg, "handlers/redact")
}
