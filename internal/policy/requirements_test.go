package policy

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRequirements(t *testing.T) {
	var mod struct {
		Require []struct {
			Path     string
			Indirect bool
		}
		Replace []any
	}
	if err := json.Unmarshal([]byte(gocmd(t, root, "mod", "edit", "-json")), &mod); err != nil {
		t.Fatal(err)
	}
	var direct []string
	for _, r := range mod.Require {
		if !r.Indirect {
			direct = append(direct, r.Path)
		}
		if strings.HasPrefix(r.Path, "github.com/aws/aws-sdk-go") {
			t.Errorf("the root go.mod requires %s: every user's own version would be lifted to it, whether they import it or not; what needs it is a module of its own", r.Path)
		}
	}
	if len(mod.Replace) > 0 {
		t.Error("the root go.mod replaces a module: users do not get that")
	}
	slices.Sort(direct)
	if diff := cmp.Diff(read(t, "requirements.txt"), direct); diff != "" {
		t.Errorf("direct requirements of the root go.mod (-requirements.txt +go.mod):\n%s", diff)
	}
	design, err := os.ReadFile(root + "/docs/design.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range direct {
		if !strings.Contains(string(design), path) {
			t.Errorf("docs/design.md does not say why %s is worth its weight", path)
		}
	}
}
