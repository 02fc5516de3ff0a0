package httphost_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/eventfx/eventfx-go/adapters/httphost"
	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/eventfx/queue"
)

type order struct {
	ID    string `json:"id"`
	Total int    `json:"total"`
}

// A target of Knative: events of one type, as curl would send them.
func Example() {
	r := &eventfx.Router{}
	eventfx.On(r, queue.JSON[order]{Type: "order.placed"}, func(_ context.Context, e eventfx.Event[order]) error {
		fmt.Println("ship", e.Data.ID)
		return nil
	})
	server := httptest.NewServer(httphost.Handler(r, &httphost.Options{Sender: httphost.Knative}))
	defer server.Close()

	req, err := http.NewRequest(http.MethodPost, server.URL, strings.NewReader(`{"id":"o-1","total":12}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("ce-specversion", "1.0")
	req.Header.Set("ce-id", "1")
	req.Header.Set("ce-source", "/shop")
	req.Header.Set("ce-type", "order.placed")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	fmt.Println(resp.Status)

	// Output:
	// ship o-1
	// 204 No Content
}
