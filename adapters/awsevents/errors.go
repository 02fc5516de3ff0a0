package awsevents

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/internal/jsonscan"
)

// An InputError says that a payload is not a JSON document in UTF-8. No source
// of AWS sends such a payload.
type InputError struct {
	Offset int // of the first byte that cannot stand there
	Msg    string
}

func (e *InputError) Error() string {
	return "awsevents: payload at offset " + strconv.Itoa(e.Offset) + ": " + e.Msg
}

// A ShapeError says that a payload looks like that of a source, and cannot be
// one: to go on would mean to lose records. The payload fails as a whole.
type ShapeError struct {
	Source string // as Payload.Source; "" if it is not clear
	Member string // of the payload, such as "Records"
	Msg    string
}

func (e *ShapeError) Error() string {
	if e.Source == "" {
		return "awsevents: " + e.Member + " " + e.Msg
	}
	return "awsevents: " + e.Source + " payload: " + e.Member + " " + e.Msg
}

// A RecordError is the Err of a message whose record could not be read.
type RecordError struct {
	Source string // as Payload.Source
	Index  int    // of the record in the payload, from 0
	ID     string // the record's identifier, "" if it has none
	Field  string // path of the member that is wrong, such as "attributes.SentTimestamp"
	Msg    string
}

func (e *RecordError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "awsevents: %s record %d", e.Source, e.Index)
	if e.ID != "" {
		fmt.Fprintf(&b, " (%.80s)", e.ID)
	}
	b.WriteString(": ")
	if e.Field != "" {
		b.WriteString(e.Field + " ")
	}
	b.WriteString(e.Msg)
	return b.String()
}

// A FailedError is the answer about failures that the source has no other
// words for: the invocation fails, and all of its messages come again.
//
// It has no Unwrap, for it is about several messages.
type FailedError struct {
	Source   string
	Messages int // how many there were
	Failures []eventfx.Failure
	Reason   string // why single records cannot be named
}

func (e *FailedError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "awsevents: %d of %d messages from %s failed, and %s", len(e.Failures), e.Messages, e.Source, e.Reason)
	for i, f := range e.Failures {
		if i == 3 {
			b.WriteString("; ...")
			break
		}
		id := ""
		if f.Message != nil {
			id = f.Message.Origin.ID
		}
		fmt.Fprintf(&b, "; %.80s: %v", id, f.Err)
	}
	return b.String()
}

func inputError(err error) error {
	if e, ok := errors.AsType[*jsonscan.SyntaxError](err); ok {
		return &InputError{Offset: e.Offset, Msg: "not JSON: " + e.Msg}
	}
	return err
}

func invalidUTF8(data []byte) int {
	for i := 0; i < len(data); {
		r, n := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return len(data)
}
