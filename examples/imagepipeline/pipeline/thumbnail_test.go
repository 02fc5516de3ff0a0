package pipeline

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"runtime"
	"strings"
	"testing"

	"github.com/eventfx/eventfx-go/examples/imagepipeline/samples"
)

var box = Size{320, 320}

const megapixels50 = 50_000_000

func mustThumbnail(t *testing.T, file []byte, box Size) (*Thumbnail, *image.NRGBA) {
	t.Helper()
	thumb, err := thumbnailOf(file, box, megapixels50)
	if err != nil {
		t.Fatal(err)
	}
	decoded, format, err := image.Decode(bytes.NewReader(thumb.Data))
	if err != nil {
		t.Fatal(err)
	}
	if format != thumb.Format {
		t.Errorf("the thumbnail is %s and says %s", format, thumb.Format)
	}
	m := image.NewNRGBA(decoded.Bounds())
	for y := range m.Bounds().Dy() {
		for x := range m.Bounds().Dx() {
			m.Set(x, y, decoded.At(x, y))
		}
	}
	if got := (Size{m.Bounds().Dx(), m.Bounds().Dy()}); got != thumb.Size {
		t.Errorf("the thumbnail is of %v and says %v", got, thumb.Size)
	}
	return thumb, m
}

// wantColour compares a pixel with what it should be, each channel within
// tolerance.
func wantColour(t *testing.T, m *image.NRGBA, x, y int, want color.NRGBA, tolerance int) {
	t.Helper()
	got := m.NRGBAAt(x, y)
	for _, d := range []int{
		int(got.R) - int(want.R), int(got.G) - int(want.G), int(got.B) - int(want.B), int(got.A) - int(want.A),
	} {
		if d < -tolerance || d > tolerance {
			t.Errorf("pixel %d,%d is %v, want %v (within %d)", x, y, got, want, tolerance)
			return
		}
	}
}

func TestFit(t *testing.T) {
	for _, c := range []struct {
		of, box, want Size
		reason        string
	}{
		{Size{640, 480}, Size{320, 320}, Size{320, 240}, "wide: the width decides"},
		{Size{480, 640}, Size{320, 320}, Size{240, 320}, "high: the height decides"},
		{Size{640, 480}, Size{320, 100}, Size{133, 100}, "the box's shape counts too"},
		{Size{320, 320}, Size{320, 320}, Size{320, 320}, "fits exactly"},
		{Size{16, 9}, Size{320, 320}, Size{16, 9}, "a small picture is not enlarged"},
		{Size{321, 320}, Size{320, 320}, Size{320, 319}, "a pixel too wide"},
		{Size{10000, 1}, Size{320, 320}, Size{320, 1}, "a line keeps its pixel"},
		{Size{1, 10000}, Size{320, 320}, Size{1, 320}, "upright too"},
		{Size{3, 1000}, Size{100, 1000}, Size{3, 1000}, "fits in both, though of another shape"},
	} {
		if got := fit(c.of, c.box); got != c.want {
			t.Errorf("fit(%v, %v) = %v, want %v: %s", c.of, c.box, got, c.want, c.reason)
		}
	}
}

func TestSamples(t *testing.T) {
	for _, c := range []struct {
		name     string
		file     []byte
		format   string
		of, size Size
		at       map[image.Point]color.NRGBA
	}{
		{"turned", samples.Turned(), "jpeg", Size{480, 640}, Size{240, 320}, map[image.Point]color.NRGBA{
			{40, 40}:   {200, 30, 30, 255},
			{200, 40}:  {30, 160, 30, 255},
			{200, 280}: {30, 30, 200, 255},
			{40, 280}:  {240, 240, 240, 255},
		}},
		{"progressive", samples.Progressive(), "jpeg", Size{600, 400}, Size{320, 213}, map[image.Point]color.NRGBA{
			{160, 5}:   {122, 171, 230, 255},
			{160, 90}:  {222, 184, 120, 255},
			{310, 210}: {176, 101, 72, 255},
		}},
		{"translucent", samples.Translucent(), "png", Size{400, 400}, Size{320, 320}, map[image.Point]color.NRGBA{
			{5, 5}:     {0, 0, 0, 0},
			{144, 144}: {220, 20, 20, 255},
			{240, 230}: {0, 0, 0, 128},
		}},
		{"deep", samples.Deep(), "png", Size{640, 320}, Size{320, 160}, map[image.Point]color.NRGBA{
			{1, 80}:   {1, 1, 1, 255},
			{80, 80}:  {64, 64, 64, 255},
			{160, 80}: {128, 128, 128, 255},
			{318, 80}: {254, 254, 254, 255},
		}},
		{"large", samples.Large(), "jpeg", Size{5184, 3888}, Size{320, 240}, map[image.Point]color.NRGBA{
			{160, 13}:  {16, 16, 16, 255},
			{160, 226}: {208, 208, 208, 255},
			{160, 120}: {112, 112, 112, 255},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			thumb, m := mustThumbnail(t, c.file, box)
			if thumb.Format != c.format || thumb.Of != c.of || thumb.Size != c.size {
				t.Errorf("got %s of %v at %v, want %s of %v at %v",
					thumb.Format, thumb.Of, thumb.Size, c.format, c.of, c.size)
			}
			for at, want := range c.at {
				tolerance := 4 // JPEG is lossy
				if c.format == "png" {
					tolerance = 1
				}
				wantColour(t, m, at.X, at.Y, want, tolerance)
			}
		})
	}
}

// TestLinearLight: seen from afar, pixels that are black and white by turns
// give half the light, which is stored as 188. 128 would be the average of
// what is stored: too dark.
func TestLinearLight(t *testing.T) {
	for _, size := range []int{300, 2000} { // resampled at once, and shrunk before
		m := image.NewGray(image.Rect(0, 0, size, size))
		for y := range size {
			for x := range size {
				if (x+y)%2 == 0 {
					m.SetGray(x, y, color.Gray{255})
				}
			}
		}
		_, got := mustThumbnail(t, encode(t, m), Size{100, 100})
		wantColour(t, got, 50, 50, color.NRGBA{188, 188, 188, 255}, 1)
	}
}

// TestNoFringe: what the invisible pixels of the sample are stored as, bright
// green, must not show at the disc's edge, nor may the edge be dark.
func TestNoFringe(t *testing.T) {
	_, m := mustThumbnail(t, samples.Translucent(), Size{90, 90})
	edges := 0
	for y := range m.Bounds().Dy() {
		for x := range m.Bounds().Dx() {
			p := m.NRGBAAt(x, y)
			if p.G > 40 {
				t.Fatalf("pixel %d,%d is %v: green shows", x, y, p)
			}
			if x+y < 54 && p.A > 8 && p.A < 247 { // the upper left edge: disc on nothing
				edges++
				if p.R < 200 {
					t.Fatalf("pixel %d,%d is %v: the edge is darker than the disc", x, y, p)
				}
			}
		}
	}
	if edges < 10 {
		t.Errorf("only %d pixels of the edge were looked at", edges)
	}
}

// TestValuesKept: a picture that is not scaled keeps each of its values.
func TestValuesKept(t *testing.T) {
	in := image.NewNRGBA(image.Rect(0, 0, 256, 2))
	for x := range 256 {
		v := uint8(x)
		in.SetNRGBA(x, 0, color.NRGBA{v, 255 - v, v / 2, 255})
		in.SetNRGBA(x, 1, color.NRGBA{v, 255 - v, v / 2, 128})
	}
	_, out := mustThumbnail(t, encode(t, in), box)
	for x := range 256 {
		wantColour(t, out, x, 0, in.NRGBAAt(x, 0), 0)
		wantColour(t, out, x, 1, in.NRGBAAt(x, 1), 1) // premultiplied on the way
	}
}

// TestTypes: whatever type a file decodes to, its pixels are the same.
func TestTypes(t *testing.T) {
	rect := image.Rect(0, 0, 8, 8)
	solid := color.NRGBA{120, 120, 120, 255}
	for name, m := range map[string]interface {
		image.Image
		Set(x, y int, c color.Color)
	}{
		"NRGBA":    image.NewNRGBA(rect),
		"NRGBA64":  image.NewNRGBA64(rect),
		"RGBA":     image.NewRGBA(rect),
		"RGBA64":   image.NewRGBA64(rect),
		"Gray":     image.NewGray(rect),
		"Gray16":   image.NewGray16(rect),
		"Paletted": image.NewPaletted(rect, color.Palette{color.Black, solid}),
	} {
		for y := range 8 {
			for x := range 8 {
				m.Set(x, y, solid)
			}
		}
		_, out := mustThumbnail(t, encode(t, m), Size{3, 3})
		for _, at := range []image.Point{{0, 0}, {1, 1}, {2, 2}} {
			got := out.NRGBAAt(at.X, at.Y)
			if got != solid {
				t.Errorf("%s: pixel %v is %v, want %v", name, at, got, solid)
			}
		}
	}
}

// TestRejected: each is an error that stays, with a text that says what is
// wrong in words for who sent the picture.
func TestRejected(t *testing.T) {
	huge := samples.Bomb()
	for _, c := range []struct {
		name string
		file []byte
		want string
	}{
		{"truncated JPEG", samples.Truncated(), "truncated jpeg: it ends after 6483 bytes"},
		{"truncated PNG", samples.Deep()[:600], "truncated png: it ends after 600 bytes"},
		{"empty", nil, "the file is empty"},
		{"text", []byte("Dear Sir or Madam"), "not a JPEG or PNG file"},
		{"a start without a picture", []byte{0xff, 0xd8, 0xff}, "truncated"},
		{"a byte changed", damaged(samples.Deep()), "damaged png"},
		{"over the limit", huge, "40000x40000 pixels: the limit is 50 million"},
		{"over any limit", sized(huge, 0x7fffffff, 0x7fffffff), "dimension overflow"},
		{"just short of that", sized(huge, 0x7fffffff, 0x3fffffff), "png"},
		{"a line over the limit", sized(huge, 0x7fffffff, 1), "2147483647x1 pixels: the limit is 50 million"},
		{"without pixels", sized(huge, 0, 5), "png"},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := thumbnailOf(c.file, box, megapixels50)
		runtime.ReadMemStats(&after)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
			continue
		}
		if _, ok := errors.AsType[*Rejected](err); !ok {
			t.Errorf("%s: %v would be tried again", c.name, err)
		}
		if used := after.TotalAlloc - before.TotalAlloc; used > 4<<20 {
			t.Errorf("%s: took %d bytes of memory to refuse", c.name, used)
		}
	}
}

// TestTruncatedAnywhere: wherever the file ends, trying again is no use.
func TestTruncatedAnywhere(t *testing.T) {
	for _, file := range [][]byte{samples.Turned(), samples.Progressive(), samples.Deep()} {
		for n := 0; n < len(file); n += len(file)/64 + 1 {
			_, err := thumbnailOf(file[:n], box, megapixels50)
			if _, ok := errors.AsType[*Rejected](err); !ok {
				t.Errorf("%d of %d bytes: got %v, want an error that stays", n, len(file), err)
			}
		}
	}
}

func TestLimitIsInclusive(t *testing.T) {
	file := encode(t, image.NewGray(image.Rect(0, 0, 100, 50)))
	if _, err := thumbnailOf(file, box, 5000); err != nil {
		t.Errorf("as many pixels as the limit: %v", err)
	}
	if _, err := thumbnailOf(file, box, 4999); err == nil {
		t.Error("a pixel more than the limit was taken")
	}
}

func encode(t testing.TB, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func encodeJPEG(t testing.TB, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: 95}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// damaged returns the file with a byte in its middle changed.
func damaged(file []byte) []byte {
	out := bytes.Clone(file)
	out[len(out)/2] ^= 0x55
	return out
}

// sized returns the PNG with another size in its header.
func sized(file []byte, width, height uint32) []byte {
	return bytes.Join([][]byte{file[:8], samples.PNGHeader(width, height), file[8+25:]}, nil)
}

func BenchmarkThumbnail(b *testing.B) {
	for _, p := range samples.All()[:5] {
		b.Run(fmt.Sprintf("%d_bytes", len(p.Data)), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := thumbnailOf(p.Data, box, megapixels50); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
