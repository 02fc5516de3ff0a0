package pipeline

import (
	"go/build"
	"slices"
	"strings"
	"testing"
)

// TestImports is a statement of policy: the domain knows event types, gocloud's
// portable types and an imaging library. No adapter, no host, no router.
func TestImports(t *testing.T) {
	allowed := []string{
		"github.com/cloudevents/sdk-go/v2/event",
		"github.com/eventfx/eventfx-go/eventfx", // Event
		"github.com/eventfx/eventfx-go/eventfx/object",
		"github.com/eventfx/eventfx-go/eventfx/table",
		"gocloud.dev/blob",
		"gocloud.dev/docstore",
		"gocloud.dev/gcerrors",
		"golang.org/x/image/draw",
	}
	p, err := build.ImportDir(".", 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range p.Imports {
		if strings.Contains(path, ".") && !slices.Contains(allowed, path) {
			t.Errorf("imports %s", path)
		}
	}
}
