package httphost_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os/signal"
	"syscall"

	"github.com/eventfx/eventfx-go/adapters/httphost"
	"github.com/eventfx/eventfx-go/eventfx"
)

// The main of a container. It ends here because its context is done at once.
func ExampleServe() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()

	l, err := net.Listen("tcp", "127.0.0.1:0") // ":" + os.Getenv("PORT")
	if err != nil {
		fmt.Println(err)
		return
	}
	mux := http.NewServeMux()
	mux.Handle("/", httphost.Handler(&eventfx.Router{Default: eventfx.Ignore}, nil))
	mux.HandleFunc("GET /healthz", func(http.ResponseWriter, *http.Request) {})

	stop() // as SIGTERM would
	fmt.Println(httphost.Serve(ctx, l, mux, 0))

	// Output:
	// <nil>
}
