package memcloud

import "time"

// What follows is for drivers: faces of a cloud's resources in the types of
// another library, as memcloud/portable has them.

// Cloud returns the cloud that the queue belongs to.
func (q *Queue) Cloud() *Cloud { return q.cloud }

// Cloud returns the cloud that the table belongs to.
func (t *Table) Cloud() *Cloud { return t.cloud }

// DeleteMessages deletes received messages as DeleteMessage does, and does
// not wait. A receipt that is no longer good does nothing.
func (q *Queue) DeleteMessages(receipts ...string) {
	for _, receipt := range receipts {
		q.answer("delete", receipt, func(m *message) {
			if q.cloud.fault(CallFails, q.name, "delete") {
				return
			}
			if !q.fifo || !m.visible() {
				q.note("delete", m, "")
				q.delete(m)
			}
		})
	}
}

// HideMessages hides received messages for d from now, 0 to 12 h, as
// ChangeMessageVisibility does, and does not wait. A receipt that is no
// longer good does nothing.
func (q *Queue) HideMessages(d time.Duration, receipts ...string) {
	for _, receipt := range receipts {
		q.answer("visibility", receipt, func(m *message) {
			if m.visible() || q.cloud.fault(CallFails, q.name, "visibility") {
				return
			}
			until := min(q.cloud.now+min(max(d, 0), 12*time.Hour), m.received+12*time.Hour)
			q.note("hide", m, "until "+offset(until))
			q.hideUntil(m, until)
		})
	}
}

// answer has f executed on the message whose latest receipt this is. Each
// answer is a call of its own, ordered by its receipt: into which batches a
// driver gathered them makes no difference.
func (q *Queue) answer(verb, receipt string, f func(*message)) {
	q.cloud.enter(&call{lane: noLane, key: verb + "\x00" + q.name + "\x00" + receipt, f: func() error {
		if m := q.receipts[receipt]; m != nil {
			f(m)
		}
		return nil
	}})
}

// Key returns the names of the attributes of the table's primary key; sort is
// "" if there is no sort key.
func (t *Table) Key() (partition, sort string) {
	if len(t.keys) > 1 {
		sort = t.keys[1].name
	}
	return t.keys[0].name, sort
}

// NewID returns a UUID that no other call of NewID in this cloud returns. Equal
// seeds and equal programs give equal ones.
func (x *Tx) NewID() string {
	c := x.table.cloud
	return c.uuid("item", c.number("item"))
}
