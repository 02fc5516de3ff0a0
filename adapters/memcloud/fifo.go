package memcloud

import (
	"cmp"
	"slices"
	"time"
)

// A group is the messages of one group id, in the order in which they were
// sent. One that is hidden blocks those behind it.
type group struct{ messages []*message }

func (q *Queue) joinGroup(m *message) {
	g := q.groups[m.group]
	if g == nil {
		g = &group{}
		q.groups[m.group] = g
	}
	g.messages = append(g.messages, m)
}

func (q *Queue) leaveGroup(m *message) {
	g := q.groups[m.group]
	if i := slices.Index(g.messages, m); i >= 0 {
		g.messages = slices.Delete(g.messages, i, i+1)
	}
	if len(g.messages) == 0 {
		delete(q.groups, m.group)
	}
	q.poke() // the group may be free now
}

// A fifoTurn walks the groups for one receive. What it has handed out is in
// flight by now, and does not block: one receive may return several messages
// of a group.
type fifoTurn struct {
	groups  []*group // the one with the oldest message first
	message int      // in groups[0]
}

// turn begins a receive. A standard queue needs none.
func (q *Queue) turn() *fifoTurn {
	if !q.fifo {
		return nil
	}
	t := &fifoTurn{groups: make([]*group, 0, len(q.groups))}
	for _, g := range q.groups {
		t.groups = append(t.groups, g)
	}
	slices.SortFunc(t.groups, func(a, b *group) int {
		return cmp.Compare(a.messages[0].arrival, b.messages[0].arrival)
	})
	return t
}

// next returns the next message that is free: those of one group first, in
// order, up to the first that is hidden.
func (t *fifoTurn) next() *message {
	for len(t.groups) > 0 {
		if g := t.groups[0]; t.message < len(g.messages) {
			if m := g.messages[t.message]; m.visible() {
				t.message++
				return m
			}
		}
		t.groups, t.message = t.groups[1:], 0
	}
	return nil
}

// deduplication is for how long a deduplication id is remembered, whatever
// becomes of the message.
const deduplication = 5 * time.Minute

// sentBefore is a message whose deduplication id is remembered.
type sentBefore struct {
	message *message
	until   time.Duration
}

// sentBefore returns the message that was sent with the id of m, and
// remembers m if there was none.
func (q *Queue) sentBefore(m *message) *message {
	now := q.cloud.now
	if d, ok := q.dedup[m.dedup]; ok && now < d.until {
		return d.message
	}
	if len(q.dedup) >= 1024 {
		for id, d := range q.dedup {
			if d.until <= now {
				delete(q.dedup, id)
			}
		}
	}
	q.dedup[m.dedup] = sentBefore{m, now + deduplication}
	return nil
}
