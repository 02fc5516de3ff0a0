package memcloud_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
)

// windowEvent is the event of a tumbling window. aws-lambda-go's cannot read a
// state with numbers.
type windowEvent struct {
	Records                                         []events.DynamoDBEventRecord
	Window                                          struct{ Start, End string }
	State                                           json.RawMessage
	ShardID, EventSourceARN                         string
	IsFinalInvokeForWindow, IsWindowTerminatedEarly bool
}

// windows keeps a line for each call, "WINDOW STATE: IDS FLAGS", and answers
// with the ids as the state, or as told.
type windows struct {
	lines  []string
	events []windowEvent
	answer func(e *windowEvent, state string) ([]byte, error)
}

func (w *windows) Invoke(_ context.Context, payload []byte) ([]byte, error) {
	var e windowEvent
	if err := json.Unmarshal(payload, &e); err != nil {
		return nil, err
	}
	w.events = append(w.events, e)
	line := strings.TrimSuffix(strings.TrimPrefix(e.Window.Start, "2000-01-01T"), "Z") + " " + string(e.State) + ":"
	var state string
	_ = json.Unmarshal(e.State, &state)
	for _, r := range e.Records {
		line += " " + r.Change.Keys["id"].String()
		state += r.Change.Keys["id"].String()
	}
	if e.IsFinalInvokeForWindow {
		line += " final"
	}
	if e.IsWindowTerminatedEarly {
		line += " early"
	}
	w.lines = append(w.lines, line)
	if w.answer != nil {
		return w.answer(&e, state)
	}
	return fmt.Appendf(nil, `{"state":%q}`, state), nil
}

func minuteWindows() *memcloud.Mapping { return &memcloud.Mapping{TumblingWindow: time.Minute} }

func TestTumblingWindow(t *testing.T) {
	// Rule D5.1, D5.2, D5.4
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		users := cloud.Table("users", nil)
		h := &windows{}
		cloud.Function("f", h, memcloud.Trigger(users, minuteWindows()))
		cloud.Settle()
		want(t, "without records there is no window", len(h.lines), 0)
		cloud.Advance(10 * time.Second)
		put(users, "a")
		cloud.Advance(20 * time.Second)
		put(users, "b")
		cloud.Advance(3 * time.Minute)
		put(users, "c")
		cloud.Settle()
		want(t, "calls", h.lines, []string{
			"00:00:00 {}: a", `00:00:00 "a": b`, `00:00:00 "ab": final`,
			"00:03:00 {}: c", `00:03:00 "c": final`,
		})
		want(t, "at", moments(cloud, "f", "invoke"), []time.Duration{10 * time.Second, 30 * time.Second, time.Minute, 210 * time.Second, 4 * time.Minute})
		e := h.events[2]
		want(t, "end", e.Window.End, "2000-01-01T00:01:00Z")
		want(t, "stream", e.EventSourceARN, users.StreamARN())
		want(t, "no records", e.Records, []events.DynamoDBEventRecord{})
		if !strings.HasPrefix(e.ShardID, "shardId-0000") {
			t.Errorf("shard %q", e.ShardID)
		}
	})
}

func TestWindowByInsertion(t *testing.T) {
	// Rule D5.4: records belong to the window in which they came, however late
	// they are read; the last call may have some.
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		users := cloud.Table("users", nil)
		users.EnableStream("")
		put(users, "a", "b")
		cloud.Advance(time.Minute)
		put(users, "c")
		cloud.Advance(time.Hour)
		h := &windows{}
		mapping := minuteWindows()
		mapping.BatchSize = 1
		cloud.Function("f", h, memcloud.Trigger(users, mapping))
		cloud.Settle()
		want(t, "calls", h.lines, []string{"00:00:00 {}: a", `00:00:00 "a": b final`, "00:01:00 {}: c final"})
	})
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		users := cloud.Table("users", nil)
		h := &windows{}
		cloud.Function("f", h, memcloud.Trigger(users, minuteWindows()))
		put(users, "a")
		time.Sleep(time.Minute - 1 - cloud.Now()) // what is called now is done a nanosecond later
		put(users, "b")
		cloud.Settle()
		want(t, "the end of a window is not in it", h.lines, []string{"00:00:00 {}: a", `00:00:00 "a": final`, "00:01:00 {}: b", `00:01:00 "b": final`})
	})
}

func TestWindowNeedsState(t *testing.T) {
	tests := []struct {
		rule, reason, answer string
		fails                bool
	}{
		{"D5.2", "no answer", ``, true},
		{"D5.2", "no state", `{"batchItemFailures":[]}`, true},
		{"D5.2", "another case", `{"State":1}`, true},
		{"D5.2", "no object", `[]`, true},
		{"D5.3", "a number, as it is", `{"state":1.50}`, false},
		{"D5.3", "an object, as it is", `{"state":{"b": 1,"a":[null,1e400]}}`, false},
		{"D5.3", "null", `{"state":null}`, false},
	}
	for _, test := range tests {
		t.Run(test.rule+" "+test.reason, func(t *testing.T) {
			bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
				users := cloud.Table("users", nil)
				h := &windows{answer: func(*windowEvent, string) ([]byte, error) { return []byte(test.answer), nil }}
				mapping := minuteWindows()
				mapping.MaximumRetries = 1
				cloud.Function("f", h, memcloud.Trigger(users, mapping))
				put(users, "a")
				cloud.Settle()
				if test.fails {
					// The batch twice, and the last call twice.
					want(t, "calls", h.lines, []string{"00:00:00 {}: a", "00:00:00 {}: a", "00:00:00 {}: final", "00:00:00 {}: final"})
					want(t, "lost: the record and the state", len(moments(cloud, "users", "LOST")), 2)
					return
				}
				state := strings.TrimSuffix(strings.TrimPrefix(test.answer, `{"state":`), "}")
				want(t, "calls", h.lines, []string{"00:00:00 {}: a", "00:00:00 " + state + ": final"})
			})
		})
	}
}

func TestWindowAndPartialAnswer(t *testing.T) {
	// Rule D5.2: the state comes with the failures, and is kept.
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		users := cloud.Table("users", nil)
		users.EnableStream("")
		put(users, "a", "b", "c")
		h := &windows{answer: func(e *windowEvent, state string) ([]byte, error) {
			if len(e.Records) == 3 {
				return fmt.Appendf(nil, `{"state":"a","batchItemFailures":[{"itemIdentifier":%q}]}`, e.Records[1].Change.SequenceNumber), nil
			}
			return fmt.Appendf(nil, `{"state":%q}`, state), nil
		}}
		mapping := minuteWindows()
		mapping.ReportBatchItemFailures = true
		cloud.Function("f", h, memcloud.Trigger(users, mapping))
		cloud.Settle()
		want(t, "calls", h.lines, []string{"00:00:00 {}: a b c", `00:00:00 "a": b c`, `00:00:00 "abc": final`})
	})
}

func TestWindowEndsEarly(t *testing.T) {
	// Rule D5.2: a state over 1 MB; the window goes on with an empty one.
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		users := cloud.Table("users", nil)
		large := `"` + strings.Repeat("x", 1<<20-2) + `"` // just fits
		var h *windows
		h = &windows{answer: func(e *windowEvent, state string) ([]byte, error) {
			h.lines[len(h.lines)-1] = strings.ReplaceAll(h.lines[len(h.lines)-1], strings.Repeat("x", 1<<20-2), "LARGE")
			switch {
			case len(e.Records) > 0 && e.Records[0].Change.Keys["id"].String() == "fits":
				return []byte(`{"state":` + large + `}`), nil
			case len(e.Records) > 0 && e.Records[0].Change.Keys["id"].String() == "over":
				return []byte(`{"state":"o` + large[1:] + `}`), nil
			}
			return fmt.Appendf(nil, `{"state":%q}`, state), nil
		}}
		cloud.Function("f", h, memcloud.Trigger(users, minuteWindows()))
		for _, id := range []string{"fits", "over", "more"} {
			put(users, id)
			cloud.Advance(time.Second)
		}
		cloud.Settle()
		want(t, "calls", h.lines, []string{
			"00:00:00 {}: fits", `00:00:00 "LARGE": over`, `00:00:00 "oLARGE": early`,
			"00:00:00 {}: more", `00:00:00 "more": final`,
		})
	})
}

func TestWindowAndSplit(t *testing.T) {
	// Rule D5.4: a split closes the window; the children begin empty.
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		users := cloud.Table("users", nil)
		h := &windows{}
		cloud.Function("f", h, memcloud.Trigger(users, minuteWindows()))
		put(users, "a")
		cloud.Advance(10 * time.Second)
		users.SplitShard("a")
		put(users, "a") // changes nothing
		users.Put(memcloud.Item{"id": "a", "n": 1})
		cloud.Settle()
		want(t, "calls", h.lines, []string{"00:00:00 {}: a", `00:00:00 "a": final`, "00:00:00 {}: a", `00:00:00 "a": final`})
		want(t, "at", moments(cloud, "f", "invoke"), []time.Duration{0, 10 * time.Second, 10 * time.Second, time.Minute})
		if h.events[1].ShardID != h.events[0].ShardID || h.events[2].ShardID == h.events[0].ShardID {
			t.Errorf("shards %s, %s, %s", h.events[0].ShardID, h.events[1].ShardID, h.events[2].ShardID)
		}
	})
}

func TestWindowOfADisabledStream(t *testing.T) {
	// Rule D1.2, D5.4: to be disabled closes the shards, and so their windows.
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		users := cloud.Table("users", nil)
		h := &windows{}
		cloud.Function("f", h, memcloud.Trigger(users, minuteWindows()))
		put(users, "a")
		cloud.Advance(10 * time.Second)
		users.DisableStream()
		cloud.Settle()
		want(t, "calls", h.lines, []string{"00:00:00 {}: a", `00:00:00 "a": final`})
		want(t, "at", moments(cloud, "f", "invoke"), []time.Duration{0, 10 * time.Second})
	})
}

func TestLastCallFails(t *testing.T) {
	// Rule D5.4, D3.3: the shard waits for the last call of a window, up to a day.
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		users := cloud.Table("users", nil)
		h := &windows{answer: func(e *windowEvent, state string) ([]byte, error) {
			if e.IsFinalInvokeForWindow && e.Window.Start == "2000-01-01T00:00:00Z" {
				return nil, errors.New("no luck")
			}
			return fmt.Appendf(nil, `{"state":%q}`, state), nil
		}}
		cloud.Function("f", h, memcloud.Trigger(users, minuteWindows()))
		put(users, "a")
		cloud.Advance(23*time.Hour + 59*time.Minute)
		put(users, "b")
		cloud.Settle()
		want(t, "in the end", h.lines[len(h.lines)-1], `23:59:00 {}: b final`)
		want(t, "lost: the state", len(moments(cloud, "users", "LOST")), 1)
		if !strings.Contains(cloud.Timeline(), "the state of the window 00:00:00.000 to 00:01:00.000") {
			t.Error("the timeline does not say what was lost")
		}
	})
}

func TestWindowIsCountedTwice(t *testing.T) {
	// Rule D3.8: a batch that is read again is in the state twice.
	synctest.Test(t, func(t *testing.T) {
		cloud := memcloud.Open(&memcloud.Options{T: t, Faults: &memcloud.Faults{Only: []string{"duplicate@users/f#1"}}})
		users := cloud.Table("users", nil)
		h := &windows{}
		cloud.Function("f", h, memcloud.Trigger(users, minuteWindows()))
		put(users, "a")
		cloud.Settle()
		want(t, "calls", h.lines, []string{"00:00:00 {}: a", `00:00:00 "a": a`, `00:00:00 "aa": final`})
	})
}

func TestStreamMappingOptions(t *testing.T) {
	// Rule D3.1, D3.2
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		users, queue := cloud.Table("users", nil), cloud.Queue("orders", nil)
		tests := []struct {
			reason, part string
			option       memcloud.FunctionOption
		}{
			{"ten lanes at most", "ParallelizationFactor 11", memcloud.Trigger(users, &memcloud.Mapping{ParallelizationFactor: 11})},
			{"15 minutes at most", "TumblingWindowInSeconds 901", memcloud.Trigger(users, &memcloud.Mapping{TumblingWindow: 901 * time.Second})},
			{"whole seconds", "whole", memcloud.Trigger(users, &memcloud.Mapping{TumblingWindow: time.Millisecond})},
			{"one state a shard", "ParallelizationFactor of 1", memcloud.Trigger(users, &memcloud.Mapping{TumblingWindow: time.Second, ParallelizationFactor: 2})},
			{"a minute at least", "MaximumRecordAgeInSeconds 59", memcloud.Trigger(users, &memcloud.Mapping{MaximumRecordAge: 59 * time.Second})},
			{"a week at most", "MaximumRecordAgeInSeconds", memcloud.Trigger(users, &memcloud.Mapping{MaximumRecordAge: 8 * 24 * time.Hour})},
			{"5 minutes at most", "MaximumBatchingWindowInSeconds", memcloud.Trigger(users, &memcloud.Mapping{Window: time.Hour})},
			{"lanes are a stream's", "for streams", memcloud.Trigger(queue, &memcloud.Mapping{ParallelizationFactor: 2})},
			{"windows are a stream's", "for streams", memcloud.Trigger(queue, &memcloud.Mapping{TumblingWindow: time.Second})},
		}
		for i, test := range tests {
			err := panicOf(func() { cloud.Function(fmt.Sprint("f", i), failing, test.option) })
			if err == nil || !strings.Contains(err.Error(), test.part) {
				t.Errorf("%s: got %v", test.reason, err)
			}
		}
	})
}
