package memcloud

import (
	"encoding/json"
	"sort"
	"time"

	"github.com/eventfx/eventfx-go/adapters/awspayload"
)

// maxState is the largest state of a tumbling window.
const maxState = 1 << 20

// tumbling is a tumbling window of a shard. Records belong to it by the time
// at which they came into the stream.
type tumbling struct {
	start, end time.Duration // since the cloud was made
	state      []byte        // JSON; nil: none yet
}

// windowCall says which call of its window an invocation is.
type windowCall struct {
	final bool // the last one
	early bool // the state is too large: the window goes on with an empty one
}

func (w windowCall) String() string {
	if w.early {
		return "window ends early"
	}
	return "end of window"
}

// nextWindow returns the window that is open or that the first record opens,
// or nil. Windows are aligned with the epoch.
func (l *streamLane) nextWindow() *tumbling {
	length := l.reader.mapping.TumblingWindow
	if l.window != nil || length == 0 || len(l.waiting) == 0 {
		return l.window
	}
	c := l.reader.mapping.stream.table.cloud
	seconds := int64(length / time.Second)
	at := c.start.Add(l.waiting[0].at).Unix()
	start := time.Unix(at-at%seconds, 0).Sub(c.start)
	return &tumbling{start: start, end: start + length}
}

// inWindow returns how many of the waiting records are in that window: all,
// when there are no windows.
func (l *streamLane) inWindow() int {
	w := l.nextWindow()
	if w == nil {
		return len(l.waiting)
	}
	return sort.Search(len(l.waiting), func(i int) bool { return l.waiting[i].at >= w.end })
}

// over reports whether a window is open to which no more records can come: its
// time is over, or its shard is closed.
func (l *streamLane) over() bool {
	c := l.reader.mapping.stream.table.cloud
	return l.window != nil && l.inWindow() == 0 && (l.reader.shard.closed || c.now >= l.window.end)
}

// call says which call of its window the batch in front is.
func (l *streamLane) call(b *streamBatch) windowCall {
	if b.early {
		return windowCall{early: true}
	}
	return windowCall{final: len(l.work) == 1 && l.over()}
}

// event builds the payload.
func (l *streamLane) event(records []awspayload.StreamRecord, call windowCall) []byte {
	w := l.window
	if w == nil {
		return awspayload.AppendStreamEvent(nil, records)
	}
	p := l.reader.mapping
	c := p.stream.table.cloud
	return awspayload.AppendWindowEvent(nil, records, &awspayload.Window{
		Start: c.start.Add(w.start), End: c.start.Add(w.end), State: w.state,
		ShardID: l.reader.shard.id, StreamARN: p.stream.arn, Final: call.final, Early: call.early,
	})
}

// readState takes the state out of an answer, as it is, or says what is wrong.
func (l *streamLane) readState(answer []byte) (state []byte, problem string) {
	if l.window == nil {
		return nil, ""
	}
	var object map[string]json.RawMessage
	if json.Unmarshal(answer, &object) != nil || object["state"] == nil {
		return nil, "the answer to a tumbling window has no state"
	}
	return object["state"], ""
}

func (l *streamLane) keepState(state []byte) {
	if l.window != nil {
		l.window.state = state
	}
}

// loseState gives up a window whose last call failed for good.
func (l *streamLane) loseState(condition string) {
	l.reader.mapping.note("LOST", entity{}, condition+": the state of the window "+offset(l.window.start)+" to "+offset(l.window.end))
	l.window = nil
}
