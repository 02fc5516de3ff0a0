package policy

import (
	"errors"
	"flag"
	"fmt"
	"go/format"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "copy the committed text into the code blocks of the documentation")

// A block is fenced code in a Markdown file.
type block struct {
	language  string
	from      string // the file, and part, that it repeats; "" for none
	text      string
	line      int // of the fence
	first, to int // the lines of the text: lines[first:to]
}

var fileComment = regexp.MustCompile(`^<!-- file: (\S+)(?: \[([A-Za-z0-9_-]+)\])? -->$`)

// blocks returns the fenced code of a page.
func blocks(text string) []block {
	lines := strings.SplitAfter(text, "\n")
	var found []block
	for i := 0; i < len(lines); i++ {
		open := strings.TrimRight(lines[i], "\n")
		indent := open[:len(open)-len(strings.TrimLeft(open, " "))]
		language, ok := strings.CutPrefix(open[len(indent):], "```")
		if !ok {
			continue
		}
		b := block{language: language, line: i + 1, first: i + 1}
		if i > 0 && fileComment.MatchString(strings.TrimSpace(lines[i-1])) {
			b.from = strings.TrimSpace(lines[i-1])
		}
		var body strings.Builder
		for i++; i < len(lines) && strings.TrimRight(lines[i], "\n") != indent+"```"; i++ {
			body.WriteString(strings.TrimPrefix(lines[i], indent))
		}
		b.text, b.to = body.String(), i
		found = append(found, b)
	}
	return found
}

// prose returns the page without its code, line for line.
func prose(text string) string {
	lines := strings.SplitAfter(text, "\n")
	for _, b := range blocks(text) {
		for i := b.first; i < b.to && i < len(lines); i++ {
			lines[i] = "\n"
		}
	}
	return strings.Join(lines, "")
}

// part returns the part of a file that a comment names, without indentation.
func part(comment string) (string, error) {
	match := fileComment.FindStringSubmatch(comment)
	file, name := match[1], match[2]
	data, err := os.ReadFile(path.Join(root, file))
	if err != nil {
		return "", err
	}
	if name == "" {
		return string(data), nil
	}
	var out []string
	inside, found := false, false
	for line := range strings.Lines(string(data)) {
		switch mark := strings.TrimLeft(strings.TrimSpace(line), "/# "); {
		case mark == "["+name+"]":
			inside, found = true, true
		case mark == "[/"+name+"]":
			inside = false
		case inside:
			out = append(out, line)
		}
	}
	if !found || inside || len(out) == 0 {
		return "", fmt.Errorf("%s: want lines between // [%s] and // [/%s]", file, name, name)
	}
	// gofmt wants an empty line before the mark that ends a declaration.
	for len(out) > 1 && out[len(out)-1] == "\n" {
		out = out[:len(out)-1]
	}
	return dedent(out), nil
}

func dedent(lines []string) string {
	least := -1
	for _, line := range lines {
		if text := strings.TrimLeft(line, "\t "); text != "\n" {
			if n := len(line) - len(text); least < 0 || n < least {
				least = n
			}
		}
	}
	var out strings.Builder
	for _, line := range lines {
		out.WriteString(line[min(max(least, 0), len(line)-1):])
	}
	return out.String()
}

// goFile reports whether a block is a whole file of Go.
func (b block) goFile() bool {
	for line := range strings.Lines(b.text) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "//") {
			return strings.HasPrefix(line, "package ")
		}
	}
	return false
}

func TestDocsShowCommittedCode(t *testing.T) {
	for _, file := range markdown(t) {
		text, err := os.ReadFile(path.Join(root, file))
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.SplitAfter(string(text), "\n")
		for _, b := range slices.Backward(blocks(string(text))) {
			if b.from == "" {
				if b.language == "go" && !b.goFile() {
					t.Errorf("%s:%d: Go code that nobody compiles: begin it with package, or name its file by <!-- file: path [part] --> on the line before", file, b.line)
				}
				continue
			}
			want, err := part(b.from)
			switch {
			case err != nil:
				t.Errorf("%s:%d: %v", file, b.line, err)
			case want == b.text:
			case *update:
				lines = slices.Replace(lines, b.first, b.to, want)
			default:
				t.Errorf("%s:%d: differs from its file, %s: run this test with -update\n%s", file, b.line, b.from, want)
			}
		}
		if after := strings.Join(lines, ""); *update && after != string(text) {
			if err := os.WriteFile(path.Join(root, file), []byte(after), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestDocsCompile(t *testing.T) {
	// Inside the module, so that it is built as this commit is, and in
	// testdata, so that no pattern of packages finds it.
	if err := os.MkdirAll("testdata", 0o755); err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("testdata", "docs-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	var packages []string
	for _, file := range markdown(t) {
		text, err := os.ReadFile(path.Join(root, file))
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range blocks(string(text)) {
			if b.language != "go" || b.from != "" || !b.goFile() {
				continue
			}
			if formatted, err := format.Source([]byte(b.text)); err != nil || string(formatted) != b.text {
				t.Errorf("%s:%d: not as gofmt would have it (%v)", file, b.line, err)
			}
			pkg := path.Join(dir, fmt.Sprintf("%s-%d", strings.NewReplacer("/", "-", ".", "-").Replace(file), b.line))
			name := "code.go"
			if strings.Contains(b.text, "\nfunc Test") || strings.Contains(b.text, "\nfunc Example") {
				name = "code_test.go"
			}
			if err := os.Mkdir(pkg, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path.Join(pkg, name), []byte(b.text), 0o644); err != nil {
				t.Fatal(err)
			}
			packages = append(packages, "./"+pkg)
		}
	}
	if len(packages) > 0 {
		gocmd(t, ".", append([]string{"vet"}, packages...)...)
	}
}

var (
	testInProse = regexp.MustCompile("`((?:Test|Fuzz|Example|Benchmark)[A-Z_][A-Za-z0-9_]*)[`/]")
	linkInCode  = regexp.MustCompile("`[^`\n]*\\]\\([^`\n]*`")
	link        = regexp.MustCompile(`\[([^\]]*)\]\(([^)\s]+)\)`)
	heading     = regexp.MustCompile(`(?m)^#+ +(.*?) *#*$`)
	notASlug    = regexp.MustCompile(`[^\p{L}\p{N}_ -]`)
)

func TestDocsLinks(t *testing.T) {
	tests := testsOf(t)
	for _, file := range markdown(t) {
		text, err := os.ReadFile(path.Join(root, file))
		if err != nil {
			t.Fatal(err)
		}
		page := linkInCode.ReplaceAllString(prose(string(text)), "")
		for _, match := range link.FindAllStringSubmatch(page, -1) {
			if err := checkLink(file, match[1], match[2]); err != nil {
				t.Errorf("%s: [%s](%s): %v", file, match[1], match[2], err)
			}
		}
		for _, match := range testInProse.FindAllStringSubmatch(page, -1) {
			if name := match[1]; len(tests.named(test{name: name})) == 0 && name != "TestXxx" {
				t.Errorf("%s: there is no test %s", file, name)
			}
		}
	}
}

// checkLink returns an error for a link to nothing in this repository.
func checkLink(from, text, to string) error {
	if strings.Contains(to, ":") {
		return nil // another site
	}
	file, anchor, _ := strings.Cut(to, "#")
	target := from
	if file != "" {
		target = path.Join(path.Dir(from), file)
	}
	info, err := os.Stat(path.Join(root, target))
	if err != nil || strings.HasPrefix(target, "..") {
		return errors.New("no such file")
	}
	if info.IsDir() {
		return nil
	}
	data, err := os.ReadFile(path.Join(root, target))
	if err != nil {
		return err
	}
	if name := strings.Trim(text, "`"); strings.HasSuffix(target, ".go") && testName.FindString(name) == name && name != "" {
		if !strings.Contains(string(data), "\nfunc "+name+"(") {
			return fmt.Errorf("no %s in it", name)
		}
	}
	if anchor != "" && strings.HasSuffix(target, ".md") {
		for _, h := range heading.FindAllStringSubmatch(prose(string(data)), -1) {
			if slug(h[1]) == anchor {
				return nil
			}
		}
		return fmt.Errorf("no heading %s in it", anchor)
	}
	return nil
}

// slug is the address that GitHub gives a heading.
func slug(heading string) string {
	return strings.ReplaceAll(notASlug.ReplaceAllString(strings.ToLower(heading), ""), " ", "-")
}

func TestDocsItself(t *testing.T) {
	const page = "# A `b`: c, d-e\n[TestJudge](internal/policy/semantics_test.go)\n\n<!-- file: go.mod -->\n```text\nx\n```\n\n- item\n\n  ```go\n  package p\n\n  func f() {}\n  ```\n\n```go\nx := 1\n```\n"
	got := blocks(page)
	if len(got) != 3 || got[0].from != "<!-- file: go.mod -->" || got[0].text != "x\n" || got[1].text != "package p\n\nfunc f() {}\n" || !got[1].goFile() || got[2].goFile() || got[2].line != 17 {
		t.Errorf("blocks = %+v", got)
	}
	if strings.Contains(prose(page), "package p") || !strings.Contains(prose(page), "TestJudge") {
		t.Errorf("prose = %q", prose(page))
	}
	if got := slug("A `b`: c, d-e"); got != "a-b-c-d-e" {
		t.Errorf("slug = %q", got)
	}
	for _, c := range []struct{ text, to, want string }{
		{"x", "https://example.com/nothing", ""},
		{"x", "LICENSE", ""},
		{"x", "internal/policy", ""},
		{"x", "nothing.md", "no such file"},
		{"x", "../main/LICENSE", "no such file"},
		{"`TestJudge`", "internal/policy/semantics_test.go#L1", ""},
		{"TestGone", "internal/policy/semantics_test.go", "no TestGone in it"},
		{"x", "CONTRIBUTING.md#build-and-test", ""},
		{"x", "CONTRIBUTING.md#gone", "no heading gone in it"},
	} {
		got := ""
		if err := checkLink("README.md", c.text, c.to); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("checkLink(%q, %q) = %q, want %q", c.text, c.to, got, c.want)
		}
	}
	if _, err := part("<!-- file: go.mod [gone] -->"); err == nil {
		t.Error("a part that is not there is fine")
	}
	if got := dedent([]string{"\t\ta\n", "\n", "\t\t\tb\n"}); got != "a\n\n\tb\n" {
		t.Errorf("dedent = %q", got)
	}
}
