// Package consumer stands for a user's program: it has pinned an older AWS SDK
// and takes from this module what runs on Lambda and in its tests.
package consumer

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/eventfx/eventfx-go/adapters/lambdahost"
	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/eventfx/object"
	"github.com/eventfx/eventfx-go/eventfx/queue"
	"github.com/eventfx/eventfx-go/eventfx/schedule"
	"github.com/eventfx/eventfx-go/eventfx/table"
)

type item struct{ ID string }

var (
	_ = sqs.New(sqs.Options{Region: *aws.String("eu-west-1")})
	_ = lambdahost.Handler(&eventfx.Router{}, nil)

	_ eventfx.Source[object.Change]      = object.Created{}
	_ eventfx.Source[item]               = queue.JSON[item]{}
	_ eventfx.Source[table.Change[item]] = table.Inserted[item]{}
	_ eventfx.Source[schedule.Time]      = schedule.Tick{}
)
