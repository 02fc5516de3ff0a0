package memcloud

import (
	"cmp"
	"fmt"
	"time"

	"github.com/eventfx/eventfx-go/internal/eventpattern"
)

// streamMapping reads a stream for a function: all shards side by side, but
// for those whose parent has not been read to its end.
type streamMapping struct {
	stream   *stream
	function *Function
	Mapping
	id      string
	filters []*eventpattern.Pattern
	readers []*shardReader
}

// shardReader reads a shard, in one lane or, with a ParallelizationFactor, in
// several.
type shardReader struct {
	mapping *streamMapping
	shard   *shard
	open    bool // its parent was read to its end
	done    bool // so was it
	lanes   []*streamLane
}

func (t *Table) trigger(f *Function, o *Mapping) error {
	c := t.cloud
	p := &streamMapping{function: f, Mapping: *o}
	p.BatchSize = cmp.Or(p.BatchSize, 100)
	p.ParallelizationFactor = cmp.Or(p.ParallelizationFactor, 1)
	if problem := p.problem(); problem != "" {
		return &Error{f.name, "InvalidParameterValueException", problem}
	}
	if p.OnFailure != nil {
		if err := c.known(p.OnFailure); err != nil {
			return err
		}
	}
	var err error
	if p.filters, err = newRecordFilters(o.Filters); err != nil {
		return &Error{f.name, "InvalidParameterValueException", err.Error()}
	}
	if t.stream == nil {
		if err := t.enableStream(NewAndOldImages); err != nil {
			return err
		}
	}
	if !t.stream.enabled {
		return &Error{f.name, "InvalidParameterValueException", "the stream of table " + t.name + " is disabled: call EnableStream first"}
	}
	p.stream = t.stream
	p.id = c.uuid("mapping", c.number("mapping"))
	for _, sh := range t.stream.shards {
		p.readShard(sh)
	}
	t.stream.mappings = append(t.stream.mappings, p)
	for _, r := range p.readers {
		r.poke()
	}
	return nil
}

// problem says what AWS refuses.
func (p *streamMapping) problem() string {
	switch {
	case p.BatchSize < 1 || p.BatchSize > 10_000:
		return fmt.Sprintf("BatchSize %d: must be 1 to 10000", p.BatchSize)
	case p.Window < 0 || p.Window > 5*time.Minute:
		return fmt.Sprintf("MaximumBatchingWindowInSeconds %v: must be 0 to 300", p.Window.Seconds())
	case p.MaximumRetries < -1 || p.MaximumRetries > 10_000:
		return fmt.Sprintf("MaximumRetryAttempts %d: must be -1 (none) to 10000", p.MaximumRetries)
	case p.MaximumRecordAge != 0 && (p.MaximumRecordAge < time.Minute || p.MaximumRecordAge > 7*24*time.Hour):
		return fmt.Sprintf("MaximumRecordAgeInSeconds %v: must be 60 to 604800", p.MaximumRecordAge.Seconds())
	case p.ParallelizationFactor < 1 || p.ParallelizationFactor > 10:
		return fmt.Sprintf("ParallelizationFactor %d: must be 1 to 10", p.ParallelizationFactor)
	case p.TumblingWindow < 0 || p.TumblingWindow > 15*time.Minute || p.TumblingWindow%time.Second != 0:
		return fmt.Sprintf("TumblingWindowInSeconds %v: must be 0 to 900, whole", p.TumblingWindow.Seconds())
	case p.TumblingWindow > 0 && p.ParallelizationFactor > 1:
		return "TumblingWindow needs a ParallelizationFactor of 1: the state is that of a shard"
	case p.MaximumConcurrency != 0:
		return "MaximumConcurrency is for queues"
	}
	return refusedDestination(p.OnFailure)
}

// The methods below are the loop's.

// readShard adds a reader for the shard.
func (p *streamMapping) readShard(sh *shard) {
	r := &shardReader{mapping: p, shard: sh}
	for range p.ParallelizationFactor {
		r.lanes = append(r.lanes, &streamLane{reader: r})
	}
	parent := p.reader(sh.parent)
	r.open = parent == nil || parent.done
	sh.readers = append(sh.readers, r)
	p.readers = append(p.readers, r)
	if p.Latest {
		return // what the shard has by now came before
	}
	for _, record := range sh.records {
		if p.stream.table.cloud.now-record.at <= streamRetention {
			r.add(record)
		}
	}
}

func (p *streamMapping) reader(sh *shard) *shardReader {
	for _, r := range p.readers {
		if r.shard == sh {
			return r
		}
	}
	return nil
}

// backlog returns how many records wait for their function.
func (t *Table) backlog() int {
	n := 0
	if t.stream != nil {
		for _, p := range t.stream.mappings {
			for _, r := range p.readers {
				for _, l := range r.lanes {
					n += len(l.waiting)
				}
			}
		}
	}
	return n
}

// add takes a record of the shard. Records of one item go to one lane.
func (r *shardReader) add(record *record) {
	if !r.mapping.wants(record) {
		r.mapping.note("filter", record.entity(), "passed over: it matches none of "+r.mapping.function.name+"'s filters")
		return
	}
	l := r.lanes[record.item%uint64(len(r.lanes))]
	l.waiting = append(l.waiting, record)
}

// poke says that there may be records, or that no more will come.
func (r *shardReader) poke() {
	if !r.open || r.done {
		return
	}
	for _, l := range r.lanes {
		l.poke()
	}
	r.end()
}

// end lets the children begin when all is read.
func (r *shardReader) end() {
	if !r.shard.closed || r.done {
		return
	}
	for _, l := range r.lanes {
		if len(l.waiting) > 0 || len(l.work) > 0 || l.window != nil {
			return
		}
	}
	r.done = true
	for _, child := range r.mapping.readers {
		if child.shard.parent == r.shard {
			child.open = true
			child.poke()
		}
	}
}
