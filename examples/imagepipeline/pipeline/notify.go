package pipeline

import (
	"context"
	"fmt"

	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/eventfx/table"
)

// A Mail is a text for a person.
type Mail struct {
	To      string `json:"to"`
	Subject string `json:"subject"`
	Text    string `json:"text"`
}

// Notify tells the owner of a picture that its first thumbnail is there. It is
// the handler for new rows.
func (a *App) Notify(ctx context.Context, e eventfx.Event[table.Change[Image]]) error {
	image := e.Data.New
	if image == nil {
		return rejectf("the table's stream leaves new images out")
	}
	if image.Owner == "" {
		a.skip(ctx, image.Key, "nobody to write to")
		return nil
	}
	err := a.Send(ctx, Mail{
		To:      image.Owner,
		Subject: fmt.Sprintf("Your picture %q is ready", image.Name()),
		Text:    fmt.Sprintf("%s of %v: see %s\n", image.Name(), image.Size, image.Thumbnail),
	})
	if err != nil {
		return fmt.Errorf("writing to %s: %w", image.Owner, err)
	}
	return nil
}
