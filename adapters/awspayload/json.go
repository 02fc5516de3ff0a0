// Package awspayload builds the exact JSON that AWS's event sources send.
//
// # Shape
//
// Every builder has the form Append…(dst []byte, …) []byte, like
// strconv.AppendInt: it appends one whole JSON document to dst and returns the
// longer slice. Builders do no validation: what is put in comes out, so that a
// test can also build what AWS would never send. Strings that are not UTF-8
// come out with U+FFFD in place of the bad bytes.
//
// # Sources
//
//   - AppendSQSEvent: what an event source mapping hands to a function
//   - AppendS3Event, AppendS3TestEvent, AppendS3EventBridge
//   - AppendStreamEvent, AppendWindowEvent: DynamoDB Streams;
//     AppendStreamFailure: what is left of a batch that the mapping gave up
//     ParseItem makes their items of plain JSON
//   - AppendEnvelope, AppendScheduledEvent: EventBridge; AppendSchedulerEvent,
//     AppendSchedulerInput: EventBridge Scheduler
//   - AppendSNSEnvelope, AppendSNSEvent
//   - AppendInvocationRecord, AppendFunctionError: what destinations of
//     asynchronous invocations get
//
// Members come in the order in which AWS writes them; consumers must not
// depend on it.
package awspayload

import (
	"encoding/base64"
	"maps"
	"slices"
	"time"
	"unicode/utf8"
)

const hex = "0123456789abcdef"

// AppendString appends s as a JSON string. Only what JSON demands is escaped:
// no HTML escaping.
func AppendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && n == 1 {
				dst = append(dst, s[start:i]...)
				dst = append(dst, "\uFFFD"...)
				start = i + 1
			}
			i += n
			continue
		}
		if c >= ' ' && c != '"' && c != '\\' {
			i++
			continue
		}
		dst = append(dst, s[start:i]...)
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
		i++
		start = i
	}
	dst = append(dst, s[start:]...)
	return append(dst, '"')
}

// appendMember appends a comma, unless it is the first member of its object,
// and the name with its colon.
func appendMember(dst []byte, name string) []byte {
	if dst[len(dst)-1] != '{' {
		dst = append(dst, ',')
	}
	dst = append(dst, '"')
	dst = append(dst, name...)
	return append(dst, '"', ':')
}

func appendText(dst []byte, name, value string) []byte {
	return AppendString(appendMember(dst, name), value)
}

// appendOptional leaves the member out when the value is empty.
func appendOptional(dst []byte, name, value string) []byte {
	if value == "" {
		return dst
	}
	return appendText(dst, name, value)
}

func appendBase64(dst, data []byte) []byte {
	dst = append(dst, '"')
	dst = base64.StdEncoding.AppendEncode(dst, data)
	return append(dst, '"')
}

func appendTime(dst []byte, name string, t time.Time, layout string) []byte {
	dst = append(appendMember(dst, name), '"')
	dst = t.UTC().AppendFormat(dst, layout)
	return append(dst, '"')
}

const (
	seconds      = "2006-01-02T15:04:05Z"
	milliseconds = "2006-01-02T15:04:05.000Z"
)

// sorted returns the keys of m in byte order, so that equal maps give equal
// bytes.
func sorted[V any](m map[string]V) []string {
	return slices.Sorted(maps.Keys(m))
}
