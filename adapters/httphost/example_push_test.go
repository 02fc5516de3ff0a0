package httphost_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/eventfx/eventfx-go/adapters/httphost"
	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/eventfx/queue"
)

// A push subscription of Pub/Sub has no status that means "give it up": what
// cannot succeed goes to a dead letter, and is then acknowledged.
func ExampleHandler_push() {
	r := &eventfx.Router{
		DeadLetter: func(_ context.Context, d *eventfx.Dead) error {
			fmt.Println("keep", d.Message.ID(), "because:", d.Err)
			return nil
		},
	}
	eventfx.On(r, queue.JSON[order]{Queue: "orders"}, func(_ context.Context, e eventfx.Event[order]) error {
		return eventfx.Permanent(errors.New("empty order " + e.Data.ID))
	})
	h := httphost.Handler(r, &httphost.Options{Sender: httphost.PubSubPush})

	req := httptest.NewRequest(http.MethodPost, "/push", strings.NewReader(`{
		"message": {"messageId": "4000000008", "publishTime": "2026-11-23T09:00:01Z", "data": "eyJpZCI6Im8tMSIsInRvdGFsIjowfQ=="},
		"subscription": "projects/shop/subscriptions/orders"
	}`))
	req.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, req)
	fmt.Println(w.Code)

	// Output:
	// keep 4000000008 because: empty order o-1
	// 204
}
