package lambdahost

import (
	"errors"
	"fmt"
	"strings"

	"github.com/eventfx/eventfx-go/adapters/awsevents"
	"github.com/eventfx/eventfx-go/eventfx"
)

// A FailedMessagesError fails an invocation because messages of it failed: all
// of them come again. Lambda shows its name as the errorType.
//
// It has no Unwrap, for it is about several messages.
type FailedMessagesError struct {
	Source   string // as awsevents.Payload.Source
	Messages int    // how many there were
	Failures []eventfx.Failure
}

// An UnfinishedMessagesError fails an invocation because the time was not
// enough, or Lambda ended the process: no message of it failed by itself.
type UnfinishedMessagesError struct {
	FailedMessagesError
	Cause error // why the work was ended
}

// The first failures are enough to see what is wrong; each has its line in the
// log.
const (
	failuresInError = 10
	bytesPerFailure = 200
)

func (e *FailedMessagesError) Error() string { return e.text("failed") }

func (e *UnfinishedMessagesError) Error() string {
	s := e.text("were not finished")
	if e.Cause != nil {
		s += "; " + e.Cause.Error()
	}
	return s
}

func (e *FailedMessagesError) text(what string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "lambdahost: %d of %d messages from %s %s", len(e.Failures), e.Messages, e.Source, what)
	for i, f := range e.Failures {
		if i == failuresInError {
			fmt.Fprintf(&b, "; and %d more", len(e.Failures)-i)
			break
		}
		separator := "; "
		if i == 0 {
			separator = ": "
		}
		text := strings.ToValidUTF8(f.Err.Error(), "?")
		if len(text) > bytesPerFailure {
			text = strings.ToValidUTF8(text[:bytesPerFailure], "") + "..."
		}
		b.WriteString(separator + nameOf(f.Message) + ": " + text)
	}
	return b.String()
}

// nameOf is how a person finds the message again: the queue and the message
// id, the bucket and the event's id.
func nameOf(m *eventfx.Message) string {
	id := m.Origin.ID
	if id == "" {
		id = m.ID()
	}
	if m.Origin.Name == "" {
		return id
	}
	return m.Origin.Name + "/" + id
}

// failed is the error for failures that no answer can name. The cause is that
// of the context which the messages were delivered with.
func failed(p *awsevents.Payload, failures []eventfx.Failure, cause error) error {
	e := FailedMessagesError{Source: p.Source, Messages: len(p.Messages), Failures: failures}
	for _, f := range failures {
		if !errors.Is(f.Err, eventfx.ErrUnfinished) {
			return &e
		}
	}
	return &UnfinishedMessagesError{FailedMessagesError: e, Cause: cause}
}
