package memcloud

import (
	"container/heap"
	"slices"
	"time"
)

// A group is the messages of one group id, in the order in which they were
// sent. One that is hidden blocks those behind it.
type group struct {
	messages []*message
	key      int // the arrival of the first message when it was put into Queue.free
	index    int // there; -1: it is not
}

// begins reports whether the first message is visible.
func (g *group) begins() bool { return len(g.messages) > 0 && g.messages[0].visible() }

func (q *Queue) joinGroup(m *message) {
	g := q.groups[m.group]
	if g == nil {
		g = &group{index: -1}
		q.groups[m.group] = g
	}
	g.messages = append(g.messages, m)
}

func (q *Queue) leaveGroup(m *message) {
	g := q.groups[m.group]
	if i := slices.Index(g.messages, m); i == 0 {
		g.messages[0] = nil
		g.messages = g.messages[1:] // a long group leaves from its front
	} else if i > 0 {
		g.messages = slices.Delete(g.messages, i, i+1)
	}
	if len(g.messages) == 0 {
		delete(q.groups, m.group)
	}
	q.offer(g)
	q.poke() // the group may be free now
}

// offer puts the group where a receive finds it, if it begins with a visible
// message.
func (q *Queue) offer(g *group) {
	switch {
	case !g.begins():
	case g.index < 0:
		g.key = g.messages[0].arrival
		heap.Push(&q.free, g)
	case g.key != g.messages[0].arrival:
		g.key = g.messages[0].arrival
		heap.Fix(&q.free, g.index)
	}
}

// groupHeap orders groups by the age of their first message. Some may have
// been emptied or hidden since: who takes one out looks again.
type groupHeap []*group

func (h groupHeap) Len() int           { return len(h) }
func (h groupHeap) Less(i, j int) bool { return h[i].key < h[j].key }
func (h groupHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}
func (h *groupHeap) Push(x any) {
	g := x.(*group)
	g.index = len(*h)
	*h = append(*h, g)
}
func (h *groupHeap) Pop() any {
	old := *h
	g := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	g.index = -1
	return g
}

// A fifoTurn walks the groups for one receive. What it has handed out is in
// flight by now, and does not block: one receive may return several messages
// of a group.
type fifoTurn struct {
	queue   *Queue
	group   *group
	message int // in group
}

// turn begins a receive. A standard queue needs none.
func (q *Queue) turn() *fifoTurn {
	if !q.fifo {
		return nil
	}
	return &fifoTurn{queue: q}
}

// next returns the next message that is free: those of one group first, in
// order, up to the first that is hidden.
func (t *fifoTurn) next() *message {
	for {
		if t.group != nil && t.message < len(t.group.messages) {
			if m := t.group.messages[t.message]; m.visible() {
				t.message++
				return m
			}
		}
		if len(t.queue.free) == 0 {
			t.group = nil
			return nil
		}
		t.group, t.message = heap.Pop(&t.queue.free).(*group), 0
	}
}

// deduplication is what a FIFO queue remembers of the messages that were sent
// to it in the last five minutes, whatever became of them.
type deduplication struct {
	known map[string]sentBefore
	order []string // of known, the oldest first
}

const deduplicationInterval = 5 * time.Minute

// sentBefore is a message whose deduplication id is remembered.
type sentBefore struct {
	message *message
	until   time.Duration
}

// sentBefore returns the message that was sent with the id of m, and
// remembers m if there was none.
func (q *Queue) sentBefore(m *message) *message {
	d, now := &q.dedup, q.cloud.now
	for len(d.order) > 0 && d.known[d.order[0]].until <= now {
		delete(d.known, d.order[0])
		d.order = d.order[1:]
	}
	id := m.dedup
	if q.groupDedup {
		id += "\x00" + m.group // neither may have that character
	}
	if first, ok := d.known[id]; ok {
		return first.message
	}
	d.known[id] = sentBefore{m, now + deduplicationInterval}
	d.order = append(d.order, id)
	return nil
}
