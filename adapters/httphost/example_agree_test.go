package httphost_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/eventfx/eventfx-go/adapters/httphost"
	"github.com/eventfx/eventfx-go/eventfx"
)

// Event Grid asks before it delivers. Only it may, at no more than 600 requests
// a minute.
func ExampleHandshake() {
	h := httphost.Handler(&eventfx.Router{}, &httphost.Options{
		Sender: httphost.EventGrid,
		Rate:   600,
		Agree:  func(q httphost.Handshake) bool { return q.Origin == "eventgrid.azure.net" },
	})
	for _, origin := range []string{"eventgrid.azure.net", "example.com"} {
		req := httptest.NewRequest(http.MethodOptions, "/", nil)
		req.Header.Set("WebHook-Request-Origin", origin)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, req)
		fmt.Printf("%s: allowed %q, rate %q\n", origin, w.Header().Get("WebHook-Allowed-Origin"), w.Header().Get("WebHook-Allowed-Rate"))
	}

	// Output:
	// eventgrid.azure.net: allowed "eventgrid.azure.net", rate "600"
	// example.com: allowed "", rate ""
}
