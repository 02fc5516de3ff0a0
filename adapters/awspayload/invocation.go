package awspayload

import (
	"encoding/json"
	"strconv"
	"time"
)

// An InvocationRecord is what a destination gets of an asynchronous
// invocation.
type InvocationRecord struct {
	Time        time.Time
	RequestID   string
	FunctionARN string // without the qualifier
	Condition   string // Success, RetriesExhausted, EventAgeExceeded or ZeroReservedConcurrency
	Invocations int

	Request       []byte // JSON
	Response      []byte // what the function returned; what is not JSON comes out as text
	FunctionError string // "Unhandled"; "": it succeeded
	NoResponse    bool   // it never ran: neither responseContext nor responsePayload
	NoPayloads    bool   // left out, as they are when a topic could not carry them
}

// AppendInvocationRecord appends r as the message to a queue or a topic, as a
// function's event, or as the detail of an event bus's.
func AppendInvocationRecord(dst []byte, r *InvocationRecord) []byte {
	dst = append(dst, '{')
	dst = appendText(dst, "version", "1.0")
	dst = appendTime(dst, "timestamp", r.Time, milliseconds)
	dst = append(appendMember(dst, "requestContext"), '{')
	dst = appendText(dst, "requestId", r.RequestID)
	dst = appendText(dst, "functionArn", r.FunctionARN+":$LATEST")
	dst = appendText(dst, "condition", r.Condition)
	dst = strconv.AppendInt(appendMember(dst, "approximateInvokeCount"), int64(r.Invocations), 10)
	dst = append(dst, '}')
	if !r.NoPayloads {
		dst = appendDocument(appendMember(dst, "requestPayload"), r.Request)
	}
	if r.NoResponse {
		return append(dst, '}')
	}
	dst = append(appendMember(dst, "responseContext"), `{"statusCode":200,"executedVersion":"$LATEST"`...)
	dst = append(appendOptional(dst, "functionError", r.FunctionError), '}')
	if !r.NoPayloads {
		dst = appendDocument(appendMember(dst, "responsePayload"), r.Response)
	}
	return append(dst, '}')
}

func appendDocument(dst, document []byte) []byte {
	switch {
	case len(document) == 0:
		return append(dst, "null"...)
	case !json.Valid(document):
		return AppendString(dst, string(document))
	}
	return append(dst, document...)
}

// A Frame is a call in the stack of a panic.
type Frame struct {
	Path, Label string
	Line        int
}

// AppendFunctionError appends what Lambda answers for a function that failed.
func AppendFunctionError(dst []byte, message, kind string, stack []Frame) []byte {
	dst = append(dst, '{')
	dst = appendText(dst, "errorMessage", message)
	dst = appendText(dst, "errorType", kind)
	if len(stack) > 0 {
		dst = appendList(appendMember(dst, "stackTrace"), stack, appendFrame)
	}
	return append(dst, '}')
}

func appendFrame(dst []byte, f Frame) []byte {
	dst = append(dst, '{')
	dst = appendText(dst, "path", f.Path)
	dst = strconv.AppendInt(appendMember(dst, "line"), int64(f.Line), 10)
	dst = appendText(dst, "label", f.Label)
	return append(dst, '}')
}
