package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"gocloud.dev/blob"

	"github.com/eventfx/eventfx-go/eventfx"
)

// An Order asks for prints of a picture.
type Order struct {
	ID      string `json:"id"`
	Picture string `json:"picture"` // the name that it was stored under
	Copies  int    `json:"copies"`
}

// ErrNotReady says that a picture that was ordered has no row. It may come, so
// the order is worth another try.
var ErrNotReady = errors.New("no such picture yet")

// Print writes the job for the printer. Done twice it is the same job: its name
// is the order's.
func (a *App) Print(ctx context.Context, e eventfx.Event[Order]) error {
	order := e.Data
	if order.ID == "" {
		return rejectf("an order without an id")
	}
	if order.Copies < 1 {
		return rejectf("order %s is for %d copies", order.ID, order.Copies)
	}
	image, err := a.row(ctx, Photos+order.Picture)
	if err != nil {
		return err
	}
	if image == nil {
		return fmt.Errorf("%w: %q", ErrNotReady, order.Picture)
	}
	job, err := json.Marshal(struct {
		Order
		Source string `json:"source"`
	}{order, image.Key})
	if err != nil {
		return err
	}
	err = a.Bucket.WriteAll(ctx, Prints+order.ID+".json", job, &blob.WriterOptions{ContentType: "application/json"})
	if err != nil {
		return fmt.Errorf("writing the job of order %s: %w", order.ID, err)
	}
	a.log().InfoContext(ctx, "print", "order", order.ID, "copies", order.Copies)
	return nil
}
