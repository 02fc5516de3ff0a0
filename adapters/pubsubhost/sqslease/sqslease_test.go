package sqslease_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gocloud.dev/pubsub"

	"github.com/eventfx/eventfx-go/adapters/pubsubhost"
	"github.com/eventfx/eventfx-go/adapters/pubsubhost/sqslease"
)

func TestHide(t *testing.T) {
	tests := []struct {
		name   string
		d      time.Duration
		want   time.Duration
		reason string
	}{
		{"none", 0, 0, "it comes back at once"},
		{"negative", -time.Second, 0, "what is over is over"},
		{"whole seconds", 30 * time.Second, 30 * time.Second, "as asked"},
		{"a part", 1500 * time.Millisecond, 2 * time.Second, "never before the time that was asked for"},
		{"a bit", time.Nanosecond, time.Second, "0 would be at once"},
		{"days", 72 * time.Hour, 12*time.Hour - time.Minute, "12 h from the receive, of which some are over"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			// Rule C2.2
			got, receipt := time.Duration(-1), ""
			l := &sqslease.Lease{
				Read: func(*pubsub.Message) (string, map[string]string) { return "r-1", nil },
				Change: func(_ context.Context, r string, d time.Duration) error {
					got, receipt = d, r
					return nil
				},
			}
			if err := l.Hide(t.Context(), &pubsub.Message{}, tt.d); err != nil {
				t.Fatal(err)
			}
			if got != tt.want || receipt != "r-1" {
				t.Errorf("hidden by %q for %v, want %v: %s", receipt, got, tt.want, tt.reason)
			}
		})
	}
}

func TestHideErrors(t *testing.T) {
	refused := errors.New("refused")
	l := &sqslease.Lease{
		Read:   func(m *pubsub.Message) (string, map[string]string) { return m.LoggableID, nil },
		Change: func(context.Context, string, time.Duration) error { return refused },
	}
	if err := l.Hide(t.Context(), &pubsub.Message{LoggableID: "r"}, 0); !errors.Is(err, refused) {
		t.Errorf("%v, want the error of the call", err)
	}
	if err := l.Hide(t.Context(), &pubsub.Message{}, 0); !errors.Is(err, sqslease.ErrNoReceipt) {
		t.Errorf("%v, want ErrNoReceipt", err)
	}
}

func TestTimeout(t *testing.T) {
	// Rule C2.1
	if got := (&sqslease.Lease{}).Timeout(); got != 30*time.Second {
		t.Errorf("the default is %v, want SQS's", got)
	}
	if got := (&sqslease.Lease{Visibility: time.Minute}).Timeout(); got != time.Minute {
		t.Errorf("%v", got)
	}
}

func TestReceived(t *testing.T) {
	tests := []struct {
		name    string
		receipt string
		system  map[string]string
		want    pubsubhost.Received
		reason  string
	}{
		{"FIFO", "r", map[string]string{"ApproximateReceiveCount": "3", "MessageGroupId": "g", "SequenceNumber": "18"}, pubsubhost.Received{ID: "m-1", Receives: 3, Group: "g", Handle: "r"}, "a group has an order"},
		{"standard", "r", map[string]string{"ApproximateReceiveCount": "1", "MessageGroupId": "g"}, pubsubhost.Received{ID: "m-1", Receives: 1, Handle: "r"}, "a tenant has none"},
		{"no count", "r", map[string]string{"ApproximateReceiveCount": "x"}, pubsubhost.Received{ID: "m-1", Handle: "r"}, "not known"},
		{"another driver", "", nil, pubsubhost.Received{}, "its ids may be given again"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			// Rules C1.2, C1.5 and C1.6
			l := &sqslease.Lease{Read: func(*pubsub.Message) (string, map[string]string) { return tt.receipt, tt.system }}
			tt.want.Attributes = tt.system
			if diff := cmp.Diff(tt.want, l.Received(&pubsub.Message{LoggableID: "m-1"})); diff != "" {
				t.Errorf("%s\n%s", tt.reason, diff)
			}
		})
	}
}
