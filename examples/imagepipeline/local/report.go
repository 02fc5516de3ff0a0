package local

import (
	"fmt"
	"io"
	"strings"

	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/examples/imagepipeline/pipeline"
	"github.com/eventfx/eventfx-go/handlers/deadletter"
)

// Report writes the timeline, and then where everything is now.
func (p *Pipeline) Report(w io.Writer) error {
	var b strings.Builder
	b.WriteString(p.timeline.String())

	below := map[string]int{}
	for _, key := range p.pictures.Keys() {
		folder, _, _ := strings.Cut(key, "/")
		below[folder+"/"]++
	}
	fmt.Fprintf(&b, "\n%d pictures: %d have a thumbnail. %d prints. Orders that wait: %d.\n",
		below[pipeline.Photos], below[pipeline.Thumbnails], below[pipeline.Prints], len(p.orders.Messages()))
	b.WriteString("Not done, and now in queue " + deadLetters + ":\n")
	for _, letter := range p.DeadLetters() {
		b.WriteString(p.deadLetter(letter))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (p *Pipeline) deadLetter(dead *deadletter.Letter) string {
	s := p.timeline.storyOf(&eventfx.Message{Event: dead.Event})
	name := "order"
	if key, ok := strings.CutPrefix(dead.Event.Subject(), pipeline.Photos); ok {
		name = key
	}
	return columns(fmt.Sprintf("  %s %-10s %-7s", s.id, name, count(s.tries)), dead.Story.Error, 24)
}
