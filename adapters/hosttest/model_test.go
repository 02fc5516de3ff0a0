package hosttest

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/eventfx/eventfx-go/eventfx"
)

// A model is a host with a source in memory that keeps all laws, unless it has
// a bug. It takes up to ten messages from the source, and the next ten while
// those are being handled.
type model struct {
	bug   string
	setup Setup

	stopping chan struct{}
	handling context.Context
	end      context.CancelFunc

	mu     sync.Mutex
	source []*entry
	dead   map[string]bool // letters that came back once, for a bug
}

type entry struct {
	Message
	receives int
	visible  time.Time
	taken    bool
}

func newModel(bug string) func(testing.TB, Setup) *Host {
	return func(t testing.TB, s Setup) *Host {
		m := &model{bug: bug, setup: s, stopping: make(chan struct{}), dead: map[string]bool{}}
		m.handling, m.end = context.WithCancel(context.Background())
		switch bug {
		case "delivers what is dead again":
			m.observeDeath()
		case "takes the router's attempts away":
			s.Router.Retry.Attempts = 0
		}
		stopped := make(chan struct{})
		s.Go(func() {
			defer close(stopped)
			m.run()
		})
		return &Host{Send: m.send, Left: m.left, Waiting: m.waiting, Stop: func() {
			close(m.stopping)
			<-stopped
			m.end()
		}}
	}
}

func (m *model) send(messages ...Message) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, one := range messages {
		m.source = append(m.source, &entry{Message: one})
	}
}

func (m *model) left() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.source)
}

func (m *model) waiting() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := 0
	for _, e := range m.source {
		if !e.taken && !time.Now().Before(e.visible) {
			n++
		}
	}
	return n
}

// take receives up to ten messages: of a group none behind one that is hidden,
// or that is in hand and not received with it.
func (m *model) take(inHand []*entry) (got []*entry) {
	m.mu.Lock()
	defer m.mu.Unlock()
	hidden := map[string]bool{"": false}
	for _, e := range m.source {
		free := !e.taken && !time.Now().Before(e.visible)
		if e.Group != "" && (hidden[e.Group] || !free && !contains(inHand, e)) {
			hidden[e.Group] = true
			continue
		}
		if free && len(got) < 10 {
			e.taken = true
			e.receives++
			got = append(got, e)
		}
	}
	return got
}

func contains(all []*entry, e *entry) bool {
	for _, one := range all {
		if one == e {
			return true
		}
	}
	return false
}

func (m *model) give(e *entry, after time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e.taken, e.visible = false, time.Now().Add(after)
	for _, one := range m.source {
		if one == e {
			return
		}
	}
	m.source = append(m.source, e) // it was acknowledged early
}

func (m *model) ack(e *entry) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, one := range m.source {
		if one == e {
			m.source = append(m.source[:i:i], m.source[i+1:]...)
			return
		}
	}
}

func (m *model) run() {
	var next []*entry
	for {
		select {
		case <-m.stopping:
			m.release(next)
			return
		default:
		}
		set := next
		if next = nil; set == nil {
			set = m.take(nil)
		}
		if set == nil {
			time.Sleep(100 * time.Millisecond)
			continue
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			m.handle(set)
		}()
		if m.wait(done, set, &next) {
			return
		}
	}
}

// wait takes the next messages meanwhile, and reports whether it has stopped.
func (m *model) wait(done chan struct{}, set []*entry, next *[]*entry) bool {
	for {
		select {
		case <-done:
			return false
		case <-m.stopping:
			m.release(*next)
			drain := time.NewTimer(m.setup.Drain)
			defer drain.Stop()
			switch m.bug {
			case "ends handlers at the stop":
				m.end()
			case "ignores the drain limit":
				<-done
				return true
			}
			select {
			case <-done:
			case <-drain.C:
				m.end()
				<-done
			}
			return true
		case <-time.After(100 * time.Millisecond):
			if *next == nil {
				*next = m.take(set)
			}
		}
	}
}

func (m *model) release(set []*entry) {
	if m.bug == "leaves a goroutine behind" {
		go time.Sleep(time.Hour)
	}
	for _, e := range set {
		after := time.Duration(0)
		if m.bug == "keeps what it fetched" {
			after = 30 * time.Second
		}
		m.give(e, after)
	}
}

func (m *model) handle(set []*entry) {
	ctx, cancel := context.WithTimeout(m.handling, m.setup.Deadline*9/10)
	defer cancel()
	if m.bug == "has no deadline" {
		ctx = m.handling
	}
	if last := set[len(set)-1]; m.bug == "loses the last of a group" && last.Group != "" && len(set) >= 5 {
		m.ack(last)
		set = set[:len(set)-1]
	}
	var messages []*eventfx.Message
	of := map[*eventfx.Message]*entry{}
	for _, e := range set {
		message := m.message(e)
		messages = append(messages, message)
		of[message] = e
		if m.bug == "acknowledges before the handler" {
			m.ack(e)
		}
	}
	failed := map[*entry]eventfx.Failure{}
	note := func(failures []eventfx.Failure) {
		for _, f := range failures {
			failed[of[f.Message]] = f
		}
	}
	switch m.bug {
	case "goes on after a failure in a group":
		for _, message := range messages {
			note(m.setup.Router.Deliver(ctx, []*eventfx.Message{message}))
		}
	default:
		note(m.setup.Router.Deliver(ctx, messages))
	}
	for i, e := range set {
		f, lost := failed[e]
		after := max(f.After, time.Second)
		switch {
		case m.bug == "sends all back for one" && len(failed) > 0:
			m.give(e, after)
		case lost && m.drops(e, f):
			m.ack(e)
		case lost && m.bug == "ignores delays":
			m.give(e, time.Second)
		case lost:
			m.give(e, after)
		case m.bug == "delivers the last of a full batch twice" && i == 9 && e.receives == 1,
			m.bug == "delivers what is dead again" && m.died(e):
			m.give(e, time.Second)
		default:
			m.ack(e)
		}
	}
}

func (m *model) message(e *entry) *eventfx.Message {
	message := &eventfx.Message{Group: e.Group}
	message.SetSpecVersion("1.0")
	message.SetID(e.Body)
	message.SetSource("/model")
	message.SetType("model")
	message.DataEncoded = []byte(e.Body)
	message.Origin.Receives = e.receives
	if m.bug == "counts from one each time" {
		message.Origin.Receives = 1
	}
	return message
}

// drops reports whether a bug has a message that failed acknowledged.
func (m *model) drops(e *entry, f eventfx.Failure) bool {
	_, panicked := errors.AsType[*eventfx.PanicError](f.Err)
	_, permanent := errors.AsType[*eventfx.PermanentError](f.Err)
	switch m.bug {
	case "gives up after three failures":
		return e.receives >= 3
	case "takes a panic for the end":
		return panicked
	case "drops what no letter keeps":
		return permanent
	}
	return false
}

// observeDeath notes which messages are dead.
func (m *model) observeDeath() {
	write := m.setup.Router.DeadLetter
	if write == nil {
		return
	}
	m.setup.Router.DeadLetter = func(ctx context.Context, d *eventfx.Dead) error {
		err := write(ctx, d)
		if err == nil {
			m.mu.Lock()
			defer m.mu.Unlock()
			m.dead[d.Message.ID()] = true
		}
		return err
	}
}

// died reports it once.
func (m *model) died(e *entry) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.dead[e.Body] && e.receives <= 2
}
