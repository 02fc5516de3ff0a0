package samples

import (
	"bytes"
	"flag"
	"fmt"
	"image"
	"os"
	"os/exec"
	"testing"
)

var update = flag.Bool("update", false, "make testdata/progressive.jpg again, by cjpeg of libjpeg-turbo")

// TestProgressive is how the file is made, and shows that it is what it says.
func TestProgressive(t *testing.T) {
	want := dunes()
	if *update {
		ppm := fmt.Appendf(nil, "P6 %d %d 255\n", want.Bounds().Dx(), want.Bounds().Dy())
		for i := 0; i < len(want.Pix); i += 4 {
			ppm = append(ppm, want.Pix[i:i+3]...)
		}
		cjpeg := exec.Command("cjpeg", "-progressive", "-optimize", "-quality", "85", "-sample", "2x2")
		cjpeg.Stdin = bytes.NewReader(ppm)
		file, err := cjpeg.Output()
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile("testdata/progressive.jpg", file, 0o644); err != nil {
			t.Fatal(err)
		}
		progressive = file
	}

	file := Progressive()
	if !bytes.Contains(file, []byte{0xff, 0xc2}) { // SOF2; cannot occur within compressed data
		t.Error("no progressive frame in the file")
	}
	got, _, err := image.Decode(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	if got.Bounds() != want.Bounds() {
		t.Fatalf("the file is of %v, want %v", got.Bounds(), want.Bounds())
	}
	for _, at := range []image.Point{{10, 10}, {300, 160}, {590, 390}} {
		r, g, b, _ := got.At(at.X, at.Y).RGBA()
		c := want.NRGBAAt(at.X, at.Y)
		if far(r, c.R) || far(g, c.G) || far(b, c.B) {
			t.Errorf("at %v: %d %d %d, want %v", at, r>>8, g>>8, b>>8, c)
		}
	}
}

func far(got uint32, want uint8) bool {
	d := int(got>>8) - int(want)
	return d < -8 || d > 8
}

// TestAll shows that making the pictures twice gives the same bytes, and that
// they stay small: the large ones by their pixels alone.
func TestAll(t *testing.T) {
	again := All()
	for i, p := range All() {
		if !bytes.Equal(p.Data, again[i].Data) {
			t.Errorf("%s differs when it is made again", p.Name)
		}
		if len(p.Data) > 2<<20 {
			t.Errorf("%s is of %d bytes", p.Name, len(p.Data))
		}
		config, format, err := image.DecodeConfig(bytes.NewReader(p.Data))
		if err != nil {
			t.Errorf("%s: %v", p.Name, err)
		}
		t.Logf("%-24s %-4s %5dx%-5d %8d bytes", p.Name, format, config.Width, config.Height, len(p.Data))
	}
}
