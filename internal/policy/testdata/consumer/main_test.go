package consumer

import (
	"testing"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
)

func TestInMemory(t *testing.T) {
	if memcloud.New(t) == nil {
		t.Fatal("no cloud")
	}
}
