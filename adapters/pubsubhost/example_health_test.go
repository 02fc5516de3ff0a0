package pubsubhost_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/eventfx/eventfx-go/adapters/pubsubhost"
)

// Probes of a platform are answered beside whatever else the process serves.
func ExampleHealth() {
	health := &pubsubhost.Health{}
	mux := http.NewServeMux()
	mux.Handle("/health/", health)
	// pubsubhost.Run(ctx, subscription, r, &pubsubhost.Options{Health: health})

	answer := httptest.NewRecorder()
	mux.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/health/readyz", nil))
	fmt.Print(answer.Code, " ", answer.Body)
	// Output: 503 the worker has not begun
}
