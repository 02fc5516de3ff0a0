package schedule_test

import (
	"strings"
	"testing"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/google/go-cmp/cmp"

	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/eventfx/schedule"
	"github.com/eventfx/eventfx-go/internal/kindlaw"
)

var fired = time.Date(2026, 11, 23, 3, 0, 17, 0, time.UTC)

const (
	rule      = "arn:aws:events:eu-west-1:123456789012:rule/nightly"
	scheduler = "arn:aws:scheduler:eu-west-1:123456789012:schedule/reports/weekly"

	ruleType      = "com.amazonaws.events.ScheduledEvent"
	schedulerType = "com.amazonaws.scheduler.ScheduledEvent"
)

type report struct{ Format string }

func tick(typ, source, data string) *eventfx.Message {
	e := event.New()
	e.SetID("1")
	e.SetType(typ)
	e.SetSource(source)
	e.SetSubject(source[strings.LastIndexByte(source, '/')+1:])
	e.SetTime(fired)
	e.SetDataContentType("application/json")
	e.DataEncoded = []byte(data)
	return &eventfx.Message{Event: e, Origin: eventfx.Origin{Name: "some-queue"}}
}

func attempted(m *eventfx.Message, n any) *eventfx.Message {
	m.SetExtension("schedulerattempt", n)
	return m
}

func TestTick(t *testing.T) {
	for _, tt := range []struct {
		reason  string
		rule    string
		message *eventfx.Message
		names   string // that match, apart by spaces
		want    schedule.Time
	}{
		{
			"a rule fires within its minute", "E1.3", tick(ruleType, rule, "{}"),
			"nightly", schedule.Time{Name: "nightly", At: fired},
		},
		{
			"a rule of another bus", "E1.1", tick(ruleType, "arn:aws-cn:events:cn-north-1:123456789012:rule/bus/nightly", "{}"),
			"nightly", schedule.Time{Name: "nightly", At: fired},
		},
		{
			"a schedule is known by its group, too", "E3.3", attempted(tick(schedulerType, scheduler, `{"format":"pdf"}`), 2),
			"weekly reports/weekly", schedule.Time{Name: "weekly", Group: "reports", At: fired, Attempt: 2},
		},
		{
			"the attempt of an event that lost its types", "E3.3", attempted(tick(schedulerType, scheduler, `{}`), "3"),
			"weekly reports/weekly", schedule.Time{Name: "weekly", Group: "reports", At: fired, Attempt: 3},
		},
		{
			"a schedule without its group", "E3.2", tick(schedulerType, "arn:aws:scheduler:eu-west-1:123456789012:schedule/weekly", "{}"),
			"weekly", schedule.Time{Name: "weekly", At: fired},
		},
	} {
		// Rule E1.1
		// Rule E1.3
		// Rule E3.2
		// Rule E3.3
		t.Run(tt.reason, func(t *testing.T) {
			for _, name := range []string{"", "nightly", "bus/nightly", "weekly", "reports/weekly", "default/weekly", "/weekly", "Weekly", "some-queue"} {
				want := name == "" || strings.Contains(" "+tt.names+" ", " "+name+" ")
				if got := kindlaw.Check(t, schedule.Tick{Name: name}, tt.message); got != want {
					t.Errorf("%q: match %v", name, got)
				}
				if got := kindlaw.Check(t, schedule.With[report]{Name: name}, tt.message); got != want {
					t.Errorf("%q with an input: match %v", name, got)
				}
			}
			got, err := schedule.Tick{}.Decode(tt.message)
			if diff := cmp.Diff(tt.want, got); err != nil || diff != "" {
				t.Errorf("rule %s: error %v (-want +got):\n%s", tt.rule, err, diff)
			}
		})
	}
}

func TestNoTicks(t *testing.T) {
	for _, m := range []*eventfx.Message{
		{},
		tick("com.amazonaws.events.Nightly", rule, "{}"),
		tick("com.amazonaws.sqs.message", rule, "{}"),
		tick(ruleType, "my.shop/nightly", "{}"), // an event that somebody put on a bus under this name
		tick(ruleType, "urn:shop:rule/nightly", "{}"),
		tick(ruleType, scheduler, "{}"),
		tick(schedulerType, rule, "{}"),
		tick(ruleType, "arn:aws:events:eu-west-1:123456789012:rule/", "{}"),
		tick(schedulerType, "arn:aws:scheduler:eu-west-1:123456789012:schedule/", "{}"),
	} {
		if (schedule.Tick{}).Match(m) || (schedule.With[report]{}).Match(m) {
			t.Errorf("%s of %s matched", m.Type(), m.Source())
		}
		if got, err := (schedule.Tick{}).Decode(m); err == nil {
			t.Errorf("%s of %s: %+v", m.Type(), m.Source(), got)
		}
	}
}

func TestWith(t *testing.T) {
	// Rule E3.1
	got, err := schedule.With[report]{}.Decode(tick(schedulerType, scheduler, `{"format":"pdf"}`))
	if err != nil || got != (report{"pdf"}) {
		t.Errorf("%+v, error %v", got, err)
	}
	_, err = schedule.With[report]{}.Decode(tick(schedulerType, scheduler, `{"format":7}`))
	if want := `schedule: input of tick "1" of "weekly" does not fit schedule_test.report: json: `; err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("error %v, want %s", err, want)
	}
	if got, err := (schedule.With[*report]{}).Decode(tick(schedulerType, scheduler, `{"format":`)); err == nil || got != nil {
		t.Errorf("%+v, error %v", got, err)
	}
}

func TestTickWithoutTime(t *testing.T) {
	m := tick(ruleType, rule, "{}")
	m.SetTime(time.Time{})
	if got, err := (schedule.Tick{}).Decode(m); err == nil || !strings.Contains(err.Error(), `"nightly" has no time`) {
		t.Errorf("%+v, error %v", got, err)
	}
}

func TestString(t *testing.T) {
	for want, got := range map[string]string{
		`schedule.Tick{}`:                                           schedule.Tick{}.String(),
		`schedule.Tick{Name: "nightly"}`:                            schedule.Tick{Name: "nightly"}.String(),
		`schedule.With[schedule_test.report]{}`:                     schedule.With[report]{}.String(),
		`schedule.With[schedule_test.report]{Name: "reports/week"}`: schedule.With[report]{Name: "reports/week"}.String(),
	} {
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// Most messages that a router asks about are for another route.
func TestMatchAllocatesNothing(t *testing.T) {
	src := schedule.Tick{Name: "reports/weekly"}
	for _, m := range []*eventfx.Message{tick(ruleType, rule, "{}"), tick(schedulerType, scheduler, "{}")} {
		if n := testing.AllocsPerRun(100, func() { src.Match(m) }); n != 0 {
			t.Errorf("%s: %v allocations", m.Type(), n)
		}
	}
}

// Whatever an event looks like, nothing panics, and what matches can be decoded
// when it has a time.
func FuzzDecode(f *testing.F) {
	f.Fuzz(func(t *testing.T, typ, source, data, attempt, name string) {
		e := event.New()
		e.SetType(typ)
		e.SetSource(source)
		e.SetTime(fired)
		e.DataEncoded = []byte(data)
		e.SetExtension("schedulerattempt", attempt)
		m := &eventfx.Message{Event: e}
		matched := schedule.Tick{Name: name}.Match(m)
		if matched != (schedule.With[any]{Name: name}).Match(m) {
			t.Error("the kinds do not agree")
		}
		got, err := schedule.Tick{Name: name}.Decode(m)
		if matched && (err != nil || name != "" && name != got.Name && name != got.Group+"/"+got.Name) {
			t.Errorf("%q: %+v, error %v", name, got, err)
		}
		if got.Attempt < 0 || err == nil && got.Name == "" {
			t.Errorf("%+v", got)
		}
		_, _ = schedule.With[report]{}.Decode(m)
	})
}
