package schema_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/eventfx/queue"
	"github.com/eventfx/eventfx-go/handlers/schema"
)

// byValue has its method on the value, byPointer on the pointer.
type byValue struct {
	Total int
}

var errTotal = schema.Field{Pointer: "/total", Reason: "must be positive"}

func (o byValue) Validate() error {
	if o.Total <= 0 {
		return errTotal
	}
	return nil
}

type byPointer struct {
	Total    int
	Currency string
}

func (o *byPointer) Validate() error {
	if o.Currency == "" {
		o.Currency = "EUR"
	}
	return byValue{o.Total}.Validate()
}

func TestValid(t *testing.T) {
	var runs, dead []string
	r := &eventfx.Router{
		Retry: eventfx.Retry{Attempts: 3},
		DeadLetter: func(_ context.Context, d *eventfx.Dead) error {
			dead = append(dead, fmt.Sprintf("%s %s after %d: %v, %v", d.Message.ID(), d.Reason, len(d.Attempts), d.Err, errors.Is(d.Err, errTotal)))
			return nil
		},
	}
	eventfx.On(r, queue.JSON[byValue]{Queue: "values"}, schema.Valid(func(_ context.Context, e eventfx.Event[byValue]) error {
		runs = append(runs, fmt.Sprint(e.ID(), " ", e.Data))
		return nil
	}))
	eventfx.On(r, queue.JSON[byPointer]{Queue: "pointers"}, schema.Valid(func(_ context.Context, e eventfx.Event[byPointer]) error {
		runs = append(runs, fmt.Sprint(e.ID(), " ", e.Data))
		return nil
	}))
	var ms []*eventfx.Message
	for i, name := range []string{"values", "values", "pointers", "pointers"} {
		m := message(fmt.Sprint(i+1), fmt.Sprintf(`{"total":%d}`, 1-i%2))
		m.Origin.Name = name
		ms = append(ms, m)
	}
	failures := r.Deliver(t.Context(), ms)
	if d := cmp.Diff([]string{"1 {1}", "3 {1 EUR}"}, runs); d != "" || failures != nil {
		t.Errorf("failures %v, runs:\n%s", failures, d)
	}
	wantDead := []string{
		"2 permanent after 1: schema: /total: must be positive, true",
		"4 permanent after 1: schema: /total: must be positive, true",
	}
	if d := cmp.Diff(wantDead, dead); d != "" {
		t.Errorf("dead:\n%s", d)
	}
}

// own is an error of domain code that knows nothing of us.
type own struct{ pointer string }

func (e own) Error() string       { return "is sold out" }
func (e own) JSONPointer() string { return e.pointer }

func TestInvalid(t *testing.T) {
	field := schema.Field{Pointer: "/b", Reason: "must be 1"}
	var many []error
	for i := range 25 {
		many = append(many, schema.Field{Pointer: fmt.Sprintf("/%02d", i), Reason: "is bad"})
	}
	tests := []struct {
		name string
		err  error
		want string
	}{
		{"nothing", nil, "<nil>"},
		{"no field", errors.New("is odd"), "schema: data: is odd"},
		{"a field", field, "schema: /b: must be 1"},
		{"a field, wrapped", fmt.Errorf("order: %w", field), "schema: /b: must be 1"},
		{"several", errors.Join(field, schema.Field{Pointer: "/a", Reason: "must be 2"}, field), "schema: /a: must be 2; /b: must be 1"},
		{"an error of one's own", fmt.Errorf("order: %w", own{"/items/0"}), "schema: /items/0: is sold out"},
		{"some name no field", errors.Join(field, errors.New("is odd")), "schema: data: is odd; /b: must be 1"},
		{"an Error", schema.Invalid(field), "schema: /b: must be 1"},
		{"the data as a whole", schema.Field{Reason: "is odd"}, "schema: data: is odd"},
		{"many", errors.Join(many...), "; /19: is bad; and 5 more"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := schema.Invalid(tt.err)
			if got := fmt.Sprint(err); got != tt.want && (tt.name != "many" || !strings.HasSuffix(got, tt.want)) {
				t.Errorf("%s\nwant %s", got, tt.want)
			}
			if tt.err != nil && !errors.Is(err, tt.err) {
				t.Error("the error of Validate is lost")
			}
		})
	}
}
