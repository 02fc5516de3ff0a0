package policy

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A user who has pinned an AWS SDK keeps it, whatever the pin: our go.mod must
// say nothing that lifts it. This asks the go command, as the user's would.
func TestConsumerKeepsItsSDK(t *testing.T) {
	dir := consumer(t, root)
	want := map[string]string{
		"github.com/aws/aws-sdk-go-v2":             "v1.36.3",
		"github.com/aws/aws-sdk-go-v2/service/sqs": "v1.38.0",
		"github.com/aws/smithy-go":                 "v1.22.2",
	}
	if diff := cmp.Diff(want, selected(t, dir, want)); diff != "" {
		t.Errorf("versions after go mod tidy (-pinned +now):\n%s", diff)
	}
	gocmd(t, dir, "vet", "./...")
	for line := range strings.Lines(gocmd(t, dir, "list", "-deps", "./...")) {
		if path := strings.TrimSpace(line); strings.HasPrefix(path, "gocloud.dev") || strings.HasPrefix(path, "google.golang.org/grpc") {
			t.Errorf("the user's program links %s", path)
		}
	}
}

// The fixture can tell: a go.mod of ours that requires the SDK does lift it.
func TestConsumerWouldNotice(t *testing.T) {
	ours := t.TempDir()
	for _, file := range files(t, func(path string) bool {
		return path == "go.mod" || path == "go.sum" || strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go")
	}) {
		data, err := os.ReadFile(filepath.Join(root, file))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Dir(filepath.Join(ours, file)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(ours, file), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	const sdk = "github.com/aws/aws-sdk-go-v2"
	gocmd(t, ours, "mod", "edit", "-require="+sdk+"@v1.36.6")
	dir := consumer(t, ours)
	if got := selected(t, dir, map[string]string{sdk: ""})[sdk]; got != "v1.36.6" {
		t.Errorf("%s = %s: the fixture does not see what our go.mod requires", sdk, got)
	}
}

// consumer returns a copy of the fixture that uses the module in ours.
func consumer(t *testing.T, ours string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata/consumer")); err != nil {
		t.Fatal(err)
	}
	absolute, err := filepath.Abs(ours)
	if err != nil {
		t.Fatal(err)
	}
	gocmd(t, dir, "mod", "edit", "-replace="+module+"="+absolute)
	gocmd(t, dir, "mod", "tidy")
	return dir
}

// selected returns the versions that the go command selects for modules.
func selected(t *testing.T, dir string, modules map[string]string) map[string]string {
	t.Helper()
	got := make(map[string]string)
	for line := range strings.Lines(gocmd(t, dir, "list", "-m", "-f", "{{.Path}} {{.Version}}", "all")) {
		path, version, _ := strings.Cut(strings.TrimSpace(line), " ")
		if _, ok := modules[path]; ok {
			got[path] = version
		}
	}
	return got
}
