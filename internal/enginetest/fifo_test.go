package enginetest

import (
	"fmt"
	"time"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
)

var fifoScripts = []script{
	{"fifoorder", fifoOrder},
	{"fifoblocks", fifoBlocks},
	{"fiforeturn", fifoReturn},
	{"dedup", dedup},
	{"contentdedup", contentDedup},
	{"fiforedrive", fifoRedrive},
	{"fiforefused", fifoRefused},
}

// sendIn sends messages to a group, with deduplication ids like their bodies.
func sendIn(r *Run, q Queue, group string, bodies ...string) {
	r.t.Helper()
	for _, body := range bodies {
		r.SendMessage(q, memcloud.Message{Body: body, Group: group, DeduplicationID: "dedup-" + body})
	}
}

func fifoOrder(r *Run) {
	q := r.Queue("orders.fifo", nil)
	sendIn(r, q, "g", "a1", "a2", "a3", "a4", "a5")
	all := r.Receive(q, 10)
	r.See("in order", all)
	rising := true
	for i, m := range all {
		rising = rising && (i == 0 || all[i-1].SequenceNumber < m.SequenceNumber)
	}
	r.See("sequence numbers rise", rising)
	if len(all) > 0 {
		r.See("group", all[0].Group)
		r.See("deduplication id", all[0].DeduplicationID)
	}

	mixed := r.Queue("mixed.fifo", nil)
	sendIn(r, mixed, "one", "a1")
	sendIn(r, mixed, "two", "b1")
	sendIn(r, mixed, "one", "a2", "a3")
	r.See("a group is gathered first", r.Receive(mixed, 10))

	few := r.Queue("few.fifo", nil)
	sendIn(r, few, "one", "a1")
	sendIn(r, few, "two", "b1")
	sendIn(r, few, "one", "a2")
	sendIn(r, few, "three", "c1")
	r.See("one message", r.Receive(few, 1))
	r.See("then those of free groups", r.Receive(few, 10))
}

func fifoBlocks(r *Run) {
	q := r.Queue("orders.fifo", &memcloud.QueueOptions{Visibility: 10 * time.Second})
	sendIn(r, q, "one", "a1", "a2")
	sendIn(r, q, "two", "b1", "b2")
	a1 := r.One(q)
	r.See("the first", Received{a1})
	b1 := r.One(q)
	r.See("its group waits, the other goes on", Received{b1})
	r.See("both wait", r.Receive(q, 10))
	r.See("delete the first", q.DeleteMessage(r.ctx, a1.Receipt))
	a2 := r.One(q)
	r.See("its group goes on", Received{a2})
	r.See("release the other", q.ChangeMessageVisibility(r.ctx, b1.Receipt, 0))
	r.See("it comes again, before those behind it", Received{r.One(q)})
	r.See("and blocks", r.Receive(q, 10))
	sendIn(r, q, "one", "a3")
	sendIn(r, q, "three", "c1")
	r.See("what is new waits as well, in its group", r.Receive(q, 10))
	r.See("delete", q.DeleteMessage(r.ctx, a2.Receipt))
	r.See("the last of the group", r.Receive(q, 10))
	r.See("in the queue", r.Count(q))
}

// fifoReturn lets messages come back: one per receive, and several.
func fifoReturn(r *Run) {
	q := r.Queue("orders.fifo", &memcloud.QueueOptions{Visibility: short})
	sendIn(r, q, "g", "a1", "a2")
	first := r.One(q)
	r.Sleep(short)
	again := r.One(q)
	r.See("the same again", Received{again})
	r.See("the receipt is new", first.Receipt != again.Receipt)
	r.See("delete in time", q.DeleteMessage(r.ctx, again.Receipt))
	last := r.One(q)
	r.See("now the next", Received{last})
	r.See("delete it", q.DeleteMessage(r.ctx, last.Receipt))

	sendIn(r, q, "h", "b1", "b2", "b3")
	r.See("all of a group", r.Receive(q, 10))
	r.Sleep(short)
	r.See("all of them again", r.Receive(q, 10))
	r.Sleep(short)
	r.See("the first two", r.Receive(q, 2))
	r.See("the third waits for them", r.Receive(q, 10))

	late := r.Queue("late.fifo", &memcloud.QueueOptions{Visibility: short})
	sendIn(r, late, "g", "c1")
	m := r.One(late)
	r.Sleep(short)
	r.See("too late to delete", late.DeleteMessage(r.ctx, m.Receipt))
	r.See("so it comes again", r.Receive(late, 10))
}

func dedup(r *Run) {
	q := r.Queue("orders.fifo", nil)
	send := func(body, group, id string) {
		r.SendMessage(q, memcloud.Message{Body: body, Group: group, DeduplicationID: id})
	}
	for _, m := range [][3]string{{"a", "g", "1"}, {"a", "g", "1"}, {"b", "g", "1"}, {"a", "h", "1"}, {"a", "g", "2"}} {
		send(m[0], m[1], m[2])
		r.See(fmt.Sprintf("%d: body %s, group %s, id %s", len(r.seen)+1, m[0], m[1], m[2]), r.Count(q))
	}
	got := r.Receive(q, 10)
	r.See("received", got)
	for i, m := range got {
		r.See(fmt.Sprint("delete ", i+1), q.DeleteMessage(r.ctx, m.Receipt))
	}
	send("c", "g", "1")
	r.See("remembered after the deletion", r.Receive(q, 10))
	other := r.Queue("others.fifo", nil)
	r.SendMessage(other, memcloud.Message{Body: "a", Group: "g", DeduplicationID: "1"})
	r.See("another queue knows nothing of it", r.Receive(other, 10))
}

func contentDedup(r *Run) {
	q := r.Queue("orders.fifo", &memcloud.QueueOptions{ContentBasedDeduplication: true})
	kind := func(s string) map[string]memcloud.Attribute {
		return map[string]memcloud.Attribute{"kind": {Type: "String", Value: s}}
	}
	for _, c := range []struct {
		step    string
		message memcloud.Message
	}{
		{"the first", memcloud.Message{Body: "a", Group: "g", Attributes: kind("x")}},
		{"the same", memcloud.Message{Body: "a", Group: "g", Attributes: kind("x")}},
		{"other attributes", memcloud.Message{Body: "a", Group: "g", Attributes: kind("y")}},
		{"another group", memcloud.Message{Body: "a", Group: "h"}},
		{"an id of its own", memcloud.Message{Body: "a", Group: "g", DeduplicationID: "1"}},
		{"another body", memcloud.Message{Body: "A", Group: "g"}},
	} {
		r.SendMessage(q, c.message)
		r.See(c.step, r.Count(q))
	}
	got := r.Receive(q, 10)
	r.See("received", got)
	for i, m := range got {
		r.See(fmt.Sprint("deduplication id ", i+1), m.DeduplicationID)
	}
}

func fifoRedrive(r *Run) {
	q := r.Queue("orders.fifo", &memcloud.QueueOptions{Visibility: short, MaxReceives: 1})
	sendIn(r, q, "g", "poison", "good")
	poison := r.One(q)
	r.See("the first", Received{poison})
	r.See("blocks", r.Receive(q, 1))
	r.Sleep(short)
	good := r.One(q)
	r.See("moved, and the group goes on", Received{good})
	r.See("delete", q.DeleteMessage(r.ctx, good.Receipt))
	dead := r.One(q.Dead())
	r.See("the dead letter", Received{dead})
	r.See("its id stays", dead.ID == poison.ID)
	r.See("its group", dead.Group)
	r.See("its deduplication id is its id", dead.DeduplicationID == dead.ID)
	r.See("the queue it came from", dead.Source)
	r.See("left", r.Count(q))
}

func fifoRefused(r *Run) {
	q := r.Queue("orders.fifo", nil)
	send := func(step string, m memcloud.Message) {
		_, err := q.SendMessage(r.ctx, m)
		r.See(step, err)
	}
	send("no group", memcloud.Message{Body: "a", DeduplicationID: "1"})
	send("no deduplication id", memcloud.Message{Body: "a", Group: "g"})
	send("neither", memcloud.Message{Body: "a"})
	send("a delay of its own", memcloud.Message{Body: "a", Group: "g", DeduplicationID: "2", Delay: short})
	r.See("in the queue", r.Count(q))
	send("both", memcloud.Message{Body: "a", Group: "g", DeduplicationID: "3"})
	r.See("delete by nonsense", q.DeleteMessage(r.ctx, "nonsense"))

	slow := r.Queue("slow.fifo", &memcloud.QueueOptions{Delay: short})
	sendIn(r, slow, "g", "a1", "a2")
	r.See("the queue's delay", r.Receive(slow, 10))
	r.Sleep(short)
	r.See("after the delay", r.Receive(slow, 10))
}
