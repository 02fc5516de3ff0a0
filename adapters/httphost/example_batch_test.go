package httphost_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/eventfx/eventfx-go/adapters/httphost"
	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/eventfx/queue"
)

// One of two events of a batch fails for a time: the batch is to come again,
// and the answer says which failed. What the error says stays here.
func ExampleHandler_batch() {
	slog.SetDefault(slog.New(slog.DiscardHandler)) // the router's line about the failure
	r := &eventfx.Router{}
	eventfx.On(r, queue.JSON[order]{Type: "order.placed"}, func(_ context.Context, e eventfx.Event[order]) error {
		if e.Data.Total > 100 {
			return eventfx.RetryAfter(errors.New("warehouse 10.0.0.7 is closed"), 30*time.Second)
		}
		return nil
	})
	req := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(`[
		{"specversion":"1.0","id":"1","source":"/shop","type":"order.placed","data":{"id":"o-1","total":12}},
		{"specversion":"1.0","id":"2","source":"/shop","type":"order.placed","data":{"id":"o-2","total":120}}
	]`))
	req.Header.Set("Content-Type", "application/cloudevents-batch+json")
	w := httptest.NewRecorder()
	httphost.Handler(r, nil).ServeHTTP(w, req)

	body, err := io.ReadAll(w.Result().Body)
	fmt.Println(w.Code, w.Header().Get("Retry-After"), err)
	fmt.Print(string(body))

	// Output:
	// 503 30 <nil>
	// [{"source":"/shop","id":"2","error":"failed, and may succeed later"}]
}
