package main

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"gocloud.dev/blob/memblob"
)

func TestExport(t *testing.T) {
	bucket := memblob.OpenBucket(nil)
	defer bucket.Close()
	objects := []string{"photos/a b+c.jpg", "photos/50%2F50.png", "thumbnails/東京.jpg/00A1.jpg"}
	for _, key := range objects {
		if err := bucket.WriteAll(t.Context(), key, []byte(key), nil); err != nil {
			t.Fatal(err)
		}
	}
	dir := filepath.Join(t.TempDir(), "out")
	n, err := export(t.Context(), bucket, dir)
	if err != nil || n != len(objects) {
		t.Errorf("exported %d files (%v), want %d", n, err, len(objects))
	}
	for _, key := range objects {
		got, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(key)))
		if err != nil || string(got) != key {
			t.Errorf("%s: %q, %v", key, got, err)
		}
	}

	// A key is what somebody sent: it must not lead out of the directory.
	if err := bucket.WriteAll(t.Context(), "photos/../../outside", []byte("x"), nil); err != nil {
		t.Fatal(err)
	}
	if _, err := export(t.Context(), bucket, dir); err == nil {
		t.Error("no error for a key that leads out of the directory")
	}
	if _, err := os.Stat(filepath.Join(filepath.Dir(dir), "outside")); err == nil {
		t.Error("a file was written outside")
	}
}

// TestInterrupt stops the program, as it is built, with Ctrl-C at awkward
// moments: it ends well and soon, and tells of every order where it is.
func TestInterrupt(t *testing.T) {
	program := filepath.Join(t.TempDir(), "imagepipeline")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, tt := range []struct {
		after  time.Duration
		reason string
	}{
		{0, "nothing has happened yet"},
		{300 * time.Millisecond, "a picture is being read, or the next one is waited for"},
		{1600 * time.Millisecond, "the orders have failed, and the picture of one is not there yet"},
		{2800 * time.Millisecond, "an order waits for its next try"},
	} {
		t.Run(tt.after.String(), func(t *testing.T) {
			cmd := exec.Command(program)
			var out bytes.Buffer
			cmd.Stdout = &out
			stderr, err := cmd.StderrPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			started, rest := bufio.NewReader(stderr), bytes.Buffer{}
			if _, err := started.ReadString('\n'); err != nil {
				t.Fatal(err)
			}
			time.Sleep(tt.after) // the moment is what is tested
			interrupted := time.Now()
			if err := cmd.Process.Signal(os.Interrupt); err != nil {
				t.Fatal(err)
			}
			_, _ = rest.ReadFrom(started)
			if err := cmd.Wait(); err != nil || rest.Len() > 0 {
				t.Errorf("%v, want status 0: %s\n%s", err, tt.reason, &rest)
			}
			if took := time.Since(interrupted); took > time.Second {
				t.Errorf("it took %v to stop: %s", took, tt.reason)
			}
			checkOrders(t, out.String())
		})
	}
}

// checkOrders: each order that was sent is printed, waits, or is dead.
func checkOrders(t *testing.T, report string) {
	t.Helper()
	counts := regexp.MustCompile(`(?m)(\d+) prints. Orders that wait: (\d+)\.$`).FindStringSubmatch(report)
	timeline, dead, ok := strings.Cut(report, "Not done,")
	if counts == nil || !ok || !strings.HasSuffix(report, "Stopped.\n") {
		t.Fatalf("not the whole report:\n%s", report)
	}
	printed, _ := strconv.Atoi(counts[1])
	waiting, _ := strconv.Atoi(counts[2])
	sent := len(regexp.MustCompile(`(?m)^ *[\d.]+ o\d order `).FindAllString(timeline, -1))
	gone := len(regexp.MustCompile(`(?m)^  o\d order `).FindAllString(dead, -1))
	if printed+waiting+gone < sent {
		t.Errorf("of %d orders %d are printed, %d wait, %d are dead letters:\n%s", sent, printed, waiting, gone, report)
	}
	t.Logf("of %d orders %d are printed, %d wait, %d are dead letters", sent, printed, waiting, gone)
}
