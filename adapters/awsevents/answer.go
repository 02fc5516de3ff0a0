package awsevents

import (
	"github.com/eventfx/eventfx-go/eventfx"
)

var (
	nothingFailed = []byte(`{"batchItemFailures":[]}`)
	null          = []byte(`null`)
)

// Answer returns what the source expects to read about the failures, which
// are messages of the payload, or clones of them.
//
// SQS is told the message ids of the records that failed, each once, in the
// payload's order; a DynamoDB stream the lowest sequence number. A record of
// several events fails when one of them does. The answer to a tumbling window
// carries its state unchanged. Lambda reads such an answer only if the mapping
// is set up with ReportBatchItemFailures: without, it takes it for a success.
//
// The error is a *FailedError where the source has no answer for part of a
// payload: Partial is false, or a failed record has no identifier, so that
// the others must come again with it. A host returns it as the invocation's
// error. Answer may be called by several goroutines at once.
func (p *Payload) Answer(failures []eventfx.Failure) ([]byte, error) {
	if len(failures) == 0 {
		return p.done(), nil
	}
	if !p.Partial {
		return nil, p.failed(failures, "the source takes no answer about single records")
	}
	failed := make([]bool, len(p.records))
	at := 0
	for _, f := range failures {
		record, next := p.record(f.Message, at)
		if record < 0 {
			return nil, p.failed(failures, "one of them is not of this payload")
		}
		at = next
		if p.records[record] == "" {
			return nil, p.failed(failures, "one of them has no identifier")
		}
		failed[record] = true
	}
	if p.stream {
		return p.answer(p.lowest(failed)), nil
	}
	return p.answer(p.distinct(failed)), nil
}

// done returns the answer when nothing failed. It is always a copy: a caller
// may write to it.
func (p *Payload) done() []byte {
	switch {
	case p.window:
		return p.answer(nil)
	case p.Partial || p.Source == shapeEmpty.String():
		return append([]byte(nil), nothingFailed...)
	}
	return append([]byte(nil), null...)
}

// record returns the index of the record that m came from, or -1. It looks
// from item start on first, for failures come in the order of the messages.
func (p *Payload) record(m *eventfx.Message, start int) (record, next int) {
	for i := range p.items {
		i = (start + i) % len(p.items)
		if m == &p.items[i].msg {
			return p.items[i].record, i + 1
		}
	}
	if m == nil || m.Origin.ID == "" {
		return -1, start
	}
	for i, id := range p.records {
		if id == m.Origin.ID {
			return i, start
		}
	}
	return -1, start
}

// lowest returns the lowest of the failed sequence numbers: Lambda sends that
// record again and all that follow.
func (p *Payload) lowest(failed []bool) []string {
	lowest := ""
	for i, id := range p.records {
		if failed[i] && (lowest == "" || below(id, lowest)) {
			lowest = id
		}
	}
	return []string{lowest}
}

// distinct returns the identifiers of the failed records.
func (p *Payload) distinct(failed []bool) []string {
	seen := make(map[string]bool)
	var ids []string
	for i, id := range p.records {
		if failed[i] && !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
	}
	return ids
}

func (p *Payload) answer(ids []string) []byte {
	b := []byte{'{'}
	if p.window {
		state := p.state
		if len(state) == 0 {
			state = []byte("{}")
		}
		b = append(append(append(b, `"state":`...), state...), ',')
	}
	b = append(b, `"batchItemFailures":[`...)
	for i, id := range ids {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendString(append(b, `{"itemIdentifier":`...), []byte(id)), '}')
	}
	return append(b, "]}"...)
}

func (p *Payload) failed(failures []eventfx.Failure, reason string) error {
	return &FailedError{Source: p.Source, Messages: len(p.items), Failures: failures, Reason: reason}
}
