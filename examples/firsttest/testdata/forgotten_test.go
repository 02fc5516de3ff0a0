package firsttest

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
)

// [test]
func TestPoisonOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud := memcloud.New(t)
		orders := cloud.Queue("orders", &memcloud.QueueOptions{Visibility: 30 * time.Second, MaxReceives: 3})
		cloud.Function("ship", lambda.NewHandler(shipOrders), memcloud.Trigger(orders))

		orders.Send(`{"id":"poison"}`)
		orders.Send(`{"id":"good"}`)
		cloud.Settle()

		if got := len(orders.DeadLetters()); got != 1 {
			t.Errorf("%d dead letters, want the poison order", got)
		}
	})
}

// [/test]
