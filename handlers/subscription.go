package handlers

import (
	"context"
	"fmt"
	"log/slog"
	"strings"

	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/internal/narrow"
)

// Subscription has handlers run only for messages that fulfil all its filters.
// The others are done without a run, as with eventfx.Ignore: they are gone, and
// do not reach another route. Where they should, use Where.
type Subscription struct {
	// Filters must all be fulfilled. None lets everything through.
	Filters []Filter

	// Refused is told of each message that is not run, for a count or a log.
	// nil means one INFO line by slog.
	Refused func(ctx context.Context, route string, m *eventfx.Message)
}

// Wrap is eventfx.Middleware. It panics when a filter is not valid.
func (s *Subscription) Wrap(next eventfx.Handler) eventfx.Handler {
	if err := validateAll(s.Filters); err != nil {
		panic(err)
	}
	return func(ctx context.Context, d *eventfx.Delivery) error {
		return narrow.Run(ctx, d, next, func(m *eventfx.Message) (*eventfx.Message, error) {
			if matchAll(s.Filters, m) {
				return m, nil
			}
			if s.Refused != nil {
				s.Refused(ctx, d.Route, m)
			} else {
				slog.InfoContext(ctx, "eventfx: message filtered", "type", m.Type(), "source", m.Source(), "id", m.ID(), "route", d.Route)
			}
			return nil, narrow.ErrSkip
		})
	}
}

// Where narrows a source to messages that fulfil all filters. What they refuse
// is looked at by the routes behind this one; without any it fails with
// eventfx.ErrNoRoute, unless Router.Default takes it. So one source can have
// several routes, told apart by their filters. It panics when a filter is not
// valid.
func Where[T any](src eventfx.Source[T], filters ...Filter) eventfx.Source[T] {
	if err := validateAll(filters); err != nil {
		panic(err)
	}
	return where[T]{src, filters}
}

type where[T any] struct {
	eventfx.Source[T]
	filters []Filter
}

func (w where[T]) Match(m *eventfx.Message) bool {
	return w.Source.Match(m) && matchAll(w.filters, m)
}

func (w where[T]) String() string {
	var b strings.Builder
	b.WriteString(w.Source.String())
	for i, f := range w.filters {
		b.WriteString([]string{" where ", " and "}[min(i, 1)])
		b.WriteString(f.String())
	}
	return b.String()
}

func validateAll(filters []Filter) error {
	for i, f := range filters {
		if err := f.validate(fmt.Sprintf("/%d", i), 0); err != nil {
			return err
		}
	}
	return nil
}
