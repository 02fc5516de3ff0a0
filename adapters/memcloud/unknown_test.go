package memcloud_test

import (
	"strings"
	"testing"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
)

// embedding is a resource as the compiler sees it, and none of a cloud.
type embedding struct{ memcloud.Recipient }

// TestUnknownResources: a resource that is nil, or of another cloud, is one
// that AWS does not know. It is refused when it is wired, in the goroutine that
// does it: a panic of the loop would end the test binary.
func TestUnknownResources(t *testing.T) {
	const (
		noQueue = "AWS.SimpleQueueService.NonExistentQueue: The specified queue does not exist"
		noOther = "ResourceNotFoundException: The specified resource does not exist"
	)
	var (
		queue    *memcloud.Queue
		function *memcloud.Function
	)
	tests := []struct {
		reason string
		wire   func(c, other *memcloud.Cloud)
		part   string // of the error
	}{
		{"a notification to nothing", func(c, _ *memcloud.Cloud) { c.Bucket("b", nil).Notify(nil, nil) }, noOther + ": it is nil"},
		{"a notification to a nil queue", func(c, _ *memcloud.Cloud) { c.Bucket("b", nil).Notify(queue, nil) }, noQueue + ": it is nil"},
		{"a notification to another cloud", func(c, other *memcloud.Cloud) { c.Bucket("b", nil).Notify(other.Queue("q", nil), nil) }, noQueue + ": it is in another cloud"},
		{"what only looks like a queue", func(c, _ *memcloud.Cloud) { c.Topic("t").Subscribe(embedding{c.Queue("q", nil)}, nil) }, "no resource of a cloud"},
		{"a subscriber that is nothing", func(c, _ *memcloud.Cloud) { c.Topic("t").Subscribe(nil, nil) }, noOther},
		{"a subscriber that is a nil queue", func(c, _ *memcloud.Cloud) { c.Topic("t").Subscribe(queue, nil) }, noQueue},
		{"a subscriber of another cloud", func(c, other *memcloud.Cloud) { c.Topic("t").Subscribe(other.Queue("q", nil), nil) }, noQueue},
		{"a nil queue as a source", func(c, _ *memcloud.Cloud) { c.Function("f", failing, memcloud.Trigger(queue)) }, noQueue},
		{"a nil table as a source", func(c, _ *memcloud.Cloud) { c.Function("f", failing, memcloud.Trigger((*memcloud.Table)(nil))) }, noOther},
		{"a nil bucket as a source", func(c, _ *memcloud.Cloud) { c.Function("f", failing, memcloud.Trigger((*memcloud.Bucket)(nil))) }, "NoSuchBucket: "},
		{"a nil topic as a source", func(c, _ *memcloud.Cloud) { c.Function("f", failing, memcloud.Trigger((*memcloud.Topic)(nil))) }, "NotFound: "},
		{"a nil schedule as a source", func(c, _ *memcloud.Cloud) { c.Function("f", failing, memcloud.Trigger((*memcloud.Schedule)(nil))) }, noOther},
		{"a nil scheduler as a source", func(c, _ *memcloud.Cloud) { c.Function("f", failing, memcloud.Trigger((*memcloud.Scheduler)(nil))) }, noOther},
		{"a nil event bus as a source", func(c, _ *memcloud.Cloud) { c.Function("f", failing, memcloud.Trigger((*memcloud.EventBus)(nil))) }, noOther},
		{"a source of another cloud", func(c, other *memcloud.Cloud) {
			c.Function("f", failing, memcloud.Trigger(other.Table("t", nil)))
		}, "t: ResourceNotFoundException: The specified resource does not exist: it is in another cloud"},
		{"an option that is nil", func(c, _ *memcloud.Cloud) { c.Function("f", failing, nil) }, "an option is nil"},
		{"a nil target of a schedule", func(c, _ *memcloud.Cloud) { c.Schedule("s", "rate(1 minute)").Target(nil, nil) }, "there is none"},
		{"a target of a schedule that is a nil queue", func(c, _ *memcloud.Cloud) { c.Schedule("s", "rate(1 minute)").Target(queue, nil) }, noQueue},
		{"a target of a schedule in another cloud", func(c, other *memcloud.Cloud) {
			c.Scheduler("s", "rate(1 minute)", nil).Target(other.Function("f", failing), nil)
		}, noOther},
		{"a target of a rule that is a nil function", func(c, _ *memcloud.Cloud) { c.EventBus("b").Target(function, nil) }, noOther},
		{"a forward to nothing", func(c, _ *memcloud.Cloud) { c.EventBus("b").Forward(nil, &memcloud.Rule{Input: "{}"}) }, noOther},
		{"a forward to another cloud", func(c, other *memcloud.Cloud) { c.EventBus("b").Forward(other.EventBus("b"), nil) }, noOther},
		{"dead letters of a rule in another cloud", func(c, other *memcloud.Cloud) {
			c.EventBus("b").Target(c.Queue("q", nil), &memcloud.Rule{DeadLetter: other.Queue("q", nil)})
		}, noQueue},
		{"dead letters of a function in another cloud", func(c, other *memcloud.Cloud) {
			c.Function("f", failing, &memcloud.FunctionOptions{DeadLetter: other.Queue("q", nil)})
		}, noQueue},
		{"what a stream gives up, to another cloud", func(c, other *memcloud.Cloud) {
			c.Function("f", failing, memcloud.Trigger(c.Table("t", nil), &memcloud.Mapping{OnFailure: other.Bucket("b", nil)}))
		}, "NoSuchBucket: The specified bucket does not exist: it is in another cloud"},
	}
	for _, test := range tests {
		t.Run(test.reason, func(t *testing.T) {
			bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
				other := memcloud.New(t)
				err := panicOf(func() { test.wire(cloud, other) })
				if err == nil || !strings.Contains(err.Error(), test.part) {
					t.Errorf("got %v, want %q", err, test.part)
				}
			})
		})
	}
}
