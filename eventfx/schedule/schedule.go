package schedule

import (
	"fmt"
	"reflect"
	"time"

	"github.com/eventfx/eventfx-go/eventfx"
)

// Tick is the source of the ticks of a schedule.
type Tick struct {
	// Name is the name of the rule, or of the schedule as "name" or
	// "group/name"; "" matches all.
	Name string
}

// With is the source of the ticks of a schedule that sends an input, which it
// decodes into a T by the router's decoder. A schedule without an input sends
// an empty object.
type With[T any] struct {
	// Name is the name of the rule, or of the schedule as "name" or
	// "group/name"; "" matches all.
	Name string
}

// A Time is one tick of a schedule.
type Time struct {
	// Name is the name of the rule or schedule.
	Name string

	// Group is the group of the schedule; a rule has none.
	Group string

	// At is the time that the tick is for, in UTC. Scheduler gives the time
	// as planned. A rule fires somewhere within the minute that it planned,
	// and At is when it did: truncate it to the minute for a key.
	At time.Time

	// Attempt counts the deliveries by Scheduler, as it writes it into the
	// input; 0 if the event does not tell.
	Attempt int
}

// Match reports whether m is a tick of the schedule.
func (s Tick) Match(m *eventfx.Message) bool { return isTick(m, s.Name) }

// Match reports whether m is a tick of the schedule.
func (s With[T]) Match(m *eventfx.Message) bool { return isTick(m, s.Name) }

// Decode returns the time of the tick.
func (s Tick) Decode(m *eventfx.Message) (Time, error) {
	t := Time{At: m.Time().UTC(), Attempt: attempt(m)}
	t.Group, t.Name, _ = nameOf(m)
	switch {
	case t.Name == "":
		return Time{}, fmt.Errorf("schedule: event %q of type %q names no schedule", m.ID(), m.Type())
	case t.At.IsZero():
		return Time{}, fmt.Errorf("schedule: tick %q of %q has no time", m.ID(), t.Name)
	}
	return t, nil
}

// Decode decodes the input of the schedule.
func (s With[T]) Decode(m *eventfx.Message) (T, error) {
	var input T
	if err := m.Unmarshal(&input); err != nil {
		var none T
		_, name, _ := nameOf(m)
		return none, fmt.Errorf("schedule: input of tick %q of %q does not fit %v: %w", m.ID(), name, reflect.TypeFor[T](), err)
	}
	return input, nil
}

// String returns the source as it is written in Go.
func (s Tick) String() string { return written("Tick", s.Name) }

// String returns the source as it is written in Go.
func (s With[T]) String() string {
	return written(fmt.Sprintf("With[%v]", reflect.TypeFor[T]()), s.Name)
}

func written(source, name string) string {
	if name == "" {
		return "schedule." + source + "{}"
	}
	return fmt.Sprintf("schedule.%s{Name: %q}", source, name)
}
