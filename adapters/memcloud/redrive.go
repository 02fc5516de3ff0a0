package memcloud

import (
	"context"
	"fmt"
	"time"
)

// redrive moves the message to the dead-letter queue. Its count goes on.
func (q *Queue) redrive(m *message) {
	text := fmt.Sprintf("to %s after %d receives", q.deadLetters.name, m.receives)
	if m.runs == 0 && len(q.mappings) > 0 {
		text += "; no function ever ran with it"
	}
	q.note("move", m, text)
	q.forget(m)
	m.source = q.ARN()
	if q.fifo {
		m.dedup, m.enqueued = m.id, q.cloud.now
	}
	q.deadLetters.enter(m, 0)
}

// A MoveTask configures StartMessageMoveTask. The zero value moves all
// messages at once, each to the queue that it came from.
type MoveTask struct {
	// Destination gets the messages: a queue of the same type. nil means the
	// queue from which each was moved.
	Destination *Queue

	// MaxNumberOfMessagesPerSecond is the rate, at most 500. 0 means that all
	// are moved at once.
	MaxNumberOfMessagesPerSecond int
}

// StartMessageMoveTask moves what is in this dead-letter queue, and not in
// flight, somewhere else, and does not wait for the end. The messages are new
// ones: with other ids, sent now, never received. One that was not moved here
// by a redrive policy has no queue to go back to, and ends the task.
func (q *Queue) StartMessageMoveTask(ctx context.Context, o *MoveTask) error {
	if o == nil {
		o = &MoveTask{}
	}
	t := &moveTask{queue: q, MoveTask: *o}
	return q.cloud.do(ctx, "move\x00"+q.name, func() error {
		if err := t.check(); err != nil {
			return err
		}
		q.moving = true
		q.cloud.note(q.name, "task", entity{}, t.describe())
		q.cloud.at(q.cloud.now, true, t.step)
		return nil
	})
}

// moveTask is a running StartMessageMoveTask.
type moveTask struct {
	queue *Queue
	MoveTask
	moved int
}

func (t *moveTask) check() error {
	q := t.queue
	invalid := func(text string) error { return &Error{q.name, "InvalidParameterValue", text} }
	switch to := t.Destination; {
	case t.MaxNumberOfMessagesPerSecond < 0 || t.MaxNumberOfMessagesPerSecond > 500:
		return invalid("Value for parameter MaxNumberOfMessagesPerSecond is invalid. Reason: You must enter a number that's between 1 and 500.")
	case !q.isDeadLetterQueue():
		return invalid("Source queue must be configured as a Dead Letter Queue.")
	case to != nil && to.cloud != q.cloud:
		return &Error{q.name, "ResourceNotFoundException", "The resource that you specified for the DestinationArn parameter doesn't exist."}
	case to == q:
		return invalid("Source queue arn and destination queue arn cannot be the same.")
	case to != nil && to.fifo != q.fifo:
		return invalid("The source queue and destination queue must be of the same queue type.")
	case q.moving:
		return invalid("There is already a task running. Only one active task is allowed for a source queue arn at a given time.")
	}
	return nil
}

func (q *Queue) isDeadLetterQueue() bool {
	for _, other := range q.cloud.queues {
		if other.deadLetters == q {
			return true
		}
	}
	return false
}

func (t *moveTask) describe() string {
	text := "moves messages to "
	if t.Destination != nil {
		text += t.Destination.name
	} else {
		text += "where they came from"
	}
	if n := t.MaxNumberOfMessagesPerSecond; n > 0 {
		text += fmt.Sprintf(", %d a second", n)
	}
	return text
}

// step moves as many messages as may be moved in one second.
func (t *moveTask) step() {
	q := t.queue
	turn := q.turn()
	for n := t.MaxNumberOfMessagesPerSecond; ; n-- {
		if n == 0 && t.MaxNumberOfMessagesPerSecond > 0 {
			q.cloud.at(q.cloud.now+time.Second, true, t.step)
			return
		}
		m := q.pop(turn)
		if m == nil {
			t.end("")
			return
		}
		to := t.Destination
		if to == nil {
			to = q.cloud.queueOf(m.source)
		}
		if to == nil {
			q.unpop(turn, m)
			t.end("failed: CouldNotDetermineMessageSource of " + m.entity().String() + ", which was sent here")
			return
		}
		q.forget(m)
		if q.fifo {
			turn.message-- // it left the group
		}
		t.moved++
		second := to.accept(Message{Body: m.body, Attributes: m.attributes, Group: m.group, DeduplicationID: m.dedup, TraceHeader: m.trace})
		q.note("move", m, "to "+to.name+" as "+second.entity().String())
	}
}

func (t *moveTask) end(problem string) {
	t.queue.moving = false
	if problem == "" {
		problem = "completed"
	}
	t.queue.cloud.note(t.queue.name, "task", entity{}, fmt.Sprintf("%s; %d moved", problem, t.moved))
}

// queueOf returns the queue with the ARN, or nil.
func (c *Cloud) queueOf(arn string) *Queue {
	const prefix = "arn:aws:sqs:" + Region + ":" + Account + ":"
	if len(arn) <= len(prefix) {
		return nil
	}
	return c.queues[arn[len(prefix):]]
}
