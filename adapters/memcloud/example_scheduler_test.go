package memcloud_test

import (
	"context"
	"fmt"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
)

// A schedule with an input: its name and time are put into it. A rate ticks
// at once; Advance plays what comes later.
func ExampleCloud_Scheduler() {
	cloud := memcloud.Open(nil)
	defer cloud.Close()

	weekly := cloud.Scheduler("weekly", "rate(7 days)", &memcloud.SchedulerOptions{Group: "reports"})
	type order struct{ Format, Schedule string }
	report := func(_ context.Context, o order) error {
		fmt.Println(o.Format, "for", o.Schedule)
		return nil
	}
	cloud.Function("report", lambda.NewHandler(report), memcloud.Trigger(weekly, &memcloud.Target{
		Input: `{"format":"pdf","schedule":"<aws.scheduler.schedule-arn>"}`,
	}))
	cloud.Settle()
	// Output: pdf for arn:aws:scheduler:eu-west-1:123456789012:schedule/reports/weekly
}
