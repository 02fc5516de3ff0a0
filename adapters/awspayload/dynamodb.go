package awspayload

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

// An Item is a DynamoDB item: attributes by name. A value is one of
//
//	string           S        StringSet   SS
//	json.Number      N        NumberSet   NS
//	[]byte           B        BinarySet   BS
//	bool             BOOL     []any       L
//	nil              NULL     Item        M
//
// AppendValue panics for anything else.
type Item map[string]any

// The three sets of DynamoDB. A set has no order and is never empty.
type (
	StringSet []string
	NumberSet []json.Number
	BinarySet [][]byte
)

// AppendValue appends v as a typed attribute value: {"S":"text"}.
func AppendValue(dst []byte, v any) []byte {
	switch v := v.(type) {
	case string:
		dst = AppendString(append(dst, `{"S":`...), v)
	case json.Number:
		dst = AppendString(append(dst, `{"N":`...), string(v))
	case []byte:
		dst = appendBase64(append(dst, `{"B":`...), v)
	case bool:
		dst = strconv.AppendBool(append(dst, `{"BOOL":`...), v)
	case nil:
		dst = append(dst, `{"NULL":true`...)
	case Item:
		dst = AppendItem(append(dst, `{"M":`...), v)
	case []any:
		dst = appendList(append(dst, `{"L":`...), v, AppendValue)
	case StringSet:
		dst = appendList(append(dst, `{"SS":`...), v, AppendString)
	case NumberSet:
		dst = appendList(append(dst, `{"NS":`...), v, func(dst []byte, n json.Number) []byte {
			return AppendString(dst, string(n))
		})
	case BinarySet:
		dst = appendList(append(dst, `{"BS":`...), v, appendBase64)
	default:
		panic(fmt.Sprintf("awspayload: a %T is no attribute value", v))
	}
	return append(dst, '}')
}

func appendList[E any](dst []byte, list []E, element func([]byte, E) []byte) []byte {
	dst = append(dst, '[')
	for i, e := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = element(dst, e)
	}
	return append(dst, ']')
}

// AppendItem appends the item as an object of typed values, its names in byte
// order.
func AppendItem(dst []byte, item Item) []byte {
	dst = append(dst, '{')
	for i, name := range sorted(item) {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = AppendValue(append(AppendString(dst, name), ':'), item[name])
	}
	return append(dst, '}')
}

// ItemSize returns the bytes that DynamoDB counts for an item: names and
// values, a number by its digits, lists and maps with 3 bytes and one for
// each element.
func ItemSize(item Item) int {
	n := 0
	for name, v := range item {
		n += len(name) + valueSize(v)
	}
	return n
}

func valueSize(v any) int {
	switch v := v.(type) {
	case string:
		return len(v)
	case json.Number:
		return len(v)/2 + 1
	case []byte:
		return len(v)
	case Item:
		return 3 + len(v) + ItemSize(v)
	case []any:
		return 3 + len(v) + sizes(v, valueSize)
	case StringSet:
		return sizes(v, func(s string) int { return len(s) })
	case NumberSet:
		return sizes(v, func(s json.Number) int { return len(s)/2 + 1 })
	case BinarySet:
		return sizes(v, func(s []byte) int { return len(s) })
	}
	return 1 // bool and NULL
}

func sizes[E any](list []E, size func(E) int) int {
	n := 0
	for _, e := range list {
		n += size(e)
	}
	return n
}

// A StreamRecord is one change in a DynamoDB stream.
type StreamRecord struct {
	EventID        string
	Name           string // INSERT, MODIFY or REMOVE
	Region         string
	StreamARN      string
	Created        time.Time // whole seconds in the payload; zero: left out
	Keys           Item
	New, Old       Item // nil: left out, as by the view type
	SequenceNumber string
	ViewType       string
	Expired        bool // a delete by time to live: it has the service's identity
}

// AppendStreamEvent appends the event that a DynamoDB stream's event source
// mapping sends.
func AppendStreamEvent(dst []byte, records []StreamRecord) []byte {
	return append(appendStreamRecords(dst, records), '}')
}

// A Window is what a mapping with tumbling windows adds to its event.
type Window struct {
	Start, End         time.Time // whole seconds in the payload
	State              []byte    // JSON, as it is; nil: {}
	ShardID, StreamARN string
	Final, Early       bool
}

// AppendWindowEvent appends the event of a mapping with tumbling windows. It
// may have no records.
func AppendWindowEvent(dst []byte, records []StreamRecord, w *Window) []byte {
	dst = append(appendStreamRecords(dst, records), `,"window":{`...)
	dst = appendTime(dst, "start", w.Start, seconds)
	dst = append(appendTime(dst, "end", w.End, seconds), '}')
	dst = appendMember(dst, "state")
	if w.State == nil {
		dst = append(dst, `{}`...)
	} else {
		dst = append(dst, w.State...)
	}
	dst = appendText(dst, "shardId", w.ShardID)
	dst = appendText(dst, "eventSourceARN", w.StreamARN)
	dst = strconv.AppendBool(appendMember(dst, "isFinalInvokeForWindow"), w.Final)
	dst = strconv.AppendBool(appendMember(dst, "isWindowTerminatedEarly"), w.Early)
	return append(dst, '}')
}

// appendStreamRecords leaves the object open.
func appendStreamRecords(dst []byte, records []StreamRecord) []byte {
	dst = append(dst, `{"Records":[`...)
	for i := range records {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = AppendStreamRecord(dst, &records[i])
	}
	return append(dst, ']')
}

// AppendStreamRecord appends one element of an event's Records.
func AppendStreamRecord(dst []byte, r *StreamRecord) []byte {
	dst = append(dst, '{')
	dst = appendText(dst, "eventID", r.EventID)
	dst = appendText(dst, "eventName", r.Name)
	dst = append(dst, `,"eventVersion":"1.1","eventSource":"aws:dynamodb"`...)
	dst = appendText(dst, "awsRegion", r.Region)
	dst = append(appendMember(dst, "dynamodb"), '{')
	if !r.Created.IsZero() {
		dst = strconv.AppendInt(appendMember(dst, "ApproximateCreationDateTime"), r.Created.Unix(), 10)
	}
	dst = AppendItem(appendMember(dst, "Keys"), r.Keys)
	if r.New != nil {
		dst = AppendItem(appendMember(dst, "NewImage"), r.New)
	}
	if r.Old != nil {
		dst = AppendItem(appendMember(dst, "OldImage"), r.Old)
	}
	dst = appendText(dst, "SequenceNumber", r.SequenceNumber)
	size := ItemSize(r.Keys) + ItemSize(r.New) + ItemSize(r.Old)
	dst = strconv.AppendInt(appendMember(dst, "SizeBytes"), int64(size), 10)
	dst = append(appendText(dst, "StreamViewType", r.ViewType), '}')
	if r.Expired {
		dst = append(dst, `,"userIdentity":{"principalId":"dynamodb.amazonaws.com","type":"Service"}`...)
	}
	dst = appendText(dst, "eventSourceARN", r.StreamARN)
	return append(dst, '}')
}

// A StreamFailure is what a stream's mapping sends to its on-failure
// destination for a batch that it gave up: where the records are, not the
// records.
type StreamFailure struct {
	Time          time.Time
	RequestID     string
	FunctionARN   string
	Condition     string // RetryAttemptsExhausted or RecordAgeExceeded
	Invocations   int
	FunctionError string // "Unhandled"; "": null, only items were reported
	NoResponse    bool   // the records aged out: no responseContext

	ShardID     string
	First, Last StreamRecord
	BatchSize   int

	Payload []byte // the event with the records, for a bucket alone; nil: left out
}

// AppendStreamFailure appends f as the message to a queue or a topic, or as
// the object in a bucket, where the records are a text.
func AppendStreamFailure(dst []byte, f *StreamFailure) []byte {
	dst = append(dst, '{', '"')
	dst = append(dst, `requestContext":{`...)
	dst = appendText(dst, "requestId", f.RequestID)
	dst = appendText(dst, "functionArn", f.FunctionARN)
	dst = appendText(dst, "condition", f.Condition)
	dst = strconv.AppendInt(appendMember(dst, "approximateInvokeCount"), int64(f.Invocations), 10)
	dst = append(dst, '}')
	if !f.NoResponse {
		dst = append(dst, `,"responseContext":{"statusCode":200,"executedVersion":"$LATEST","functionError":`...)
		if f.FunctionError == "" {
			dst = append(dst, "null"...)
		} else {
			dst = AppendString(dst, f.FunctionError)
		}
		dst = append(dst, '}')
	}
	dst = appendText(dst, "version", "1.0")
	dst = appendTime(dst, "timestamp", f.Time, milliseconds)
	dst = append(appendMember(dst, "DDBStreamBatchInfo"), '{')
	dst = appendText(dst, "shardId", f.ShardID)
	dst = appendText(dst, "startSequenceNumber", f.First.SequenceNumber)
	dst = appendText(dst, "endSequenceNumber", f.Last.SequenceNumber)
	dst = appendTime(dst, "approximateArrivalOfFirstRecord", f.First.Created, seconds)
	dst = appendTime(dst, "approximateArrivalOfLastRecord", f.Last.Created, seconds)
	dst = strconv.AppendInt(appendMember(dst, "batchSize"), int64(f.BatchSize), 10)
	dst = append(appendText(dst, "streamArn", f.First.StreamARN), '}')
	if f.Payload != nil {
		dst = appendText(dst, "payload", string(f.Payload))
	}
	return append(dst, '}')
}
