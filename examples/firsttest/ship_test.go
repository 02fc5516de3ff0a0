package firsttest

import (
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/google/go-cmp/cmp"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestPoisonOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud := memcloud.New(t)
		orders := cloud.Queue("orders", &memcloud.QueueOptions{Visibility: 30 * time.Second, MaxReceives: 3})
		// [fix]
		cloud.Function("ship", lambda.NewHandler(shipOrders),
			memcloud.Trigger(orders, &memcloud.Mapping{ReportBatchItemFailures: true}))
		// [/fix]

		orders.Send(`{"id":"poison"}`)
		orders.Send(`{"id":"good"}`)
		cloud.Settle()

		if got := len(orders.DeadLetters()); got != 1 {
			t.Errorf("%d dead letters, want the poison order", got)
		}
		golden(t, "testdata/timeline.txt", cloud.Timeline())
	})
}

// TestForgotten runs the same test with a mapping as it is by default: it must
// fail, and tell why in the words that the README quotes.
func TestForgotten(t *testing.T) {
	here, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{
		filepath.Join(here, "ship_test.go"): filepath.Join(here, "testdata", "forgotten_test.go"),
	}})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "overlay.json")
	if err := os.WriteFile(file, overlay, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("go", "test", "-overlay", file, "-run", "^TestPoisonOrder$", ".").CombinedOutput()
	if err == nil {
		t.Errorf("the test passes although the order is lost:\n%s", out)
	}
	text := regexp.MustCompile(`\d+\.\d\d+s`).ReplaceAllString(string(out), "0.00s")
	text = regexp.MustCompile(`testing\.go:\d+`).ReplaceAllString(text, "testing.go:1317") // differs between releases of Go
	golden(t, "testdata/forgotten.txt", text)
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}
