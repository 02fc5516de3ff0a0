package main

import (
	"os"
	"path/filepath"
	"testing"

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
