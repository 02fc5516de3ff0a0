// Package samples makes the pictures that the example is fed with. All but one
// are computed, so that they are the same everywhere and the repository stays
// small; the progressive JPEG is a file, for Go cannot write one.
package samples

import (
	"bytes"
	_ "embed"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"sync"
)

// A Picture is a file with the name that it is stored under. The names are
// such as break programs: spaces, plus signs, percent signs and more than ASCII.
type Picture struct {
	Name string
	Data []byte
}

// All returns the pictures, in the order in which the example stores them. The
// last two cannot be made into thumbnails. It takes about a second: one of the
// pictures has 20 megapixels.
func All() []Picture {
	return []Picture{
		{"harbour at night.jpg", Turned()},
		{"dunes.jpg", Progressive()},
		{"logo+shadow.png", Translucent()},
		{"scan 50%2F50.png", Deep()},
		{"Zürich – 東京.jpg", Large()},
		{"broken.jpg", Truncated()},
		{"bomb.png", Bomb()},
	}
}

// Turned returns a JPEG of a camera that was held sideways: stored as 640x480,
// shown as 480x640. Its quarters as shown are, clockwise from the upper left,
// red, green, blue and nearly white.
func Turned() []byte {
	// EXIF 6 is turned a quarter clockwise to be shown, so what is stored at
	// the upper left comes to the upper right.
	const w, h = 640, 480
	m := image.NewNRGBA(image.Rect(0, 0, w, h))
	paint(m, func(x, y int) color.NRGBA {
		switch {
		case x < w/2 && y >= h/2:
			return color.NRGBA{200, 30, 30, 255} // shown upper left
		case x < w/2:
			return color.NRGBA{30, 160, 30, 255} // shown upper right
		case y < h/2:
			return color.NRGBA{30, 30, 200, 255} // shown lower right
		}
		return color.NRGBA{240, 240, 240, 255} // shown lower left
	})
	return WithOrientation(encodeJPEG(m), 6)
}

//go:embed testdata/progressive.jpg
var progressive []byte

// Progressive returns a progressive JPEG of 600x400; testdata/README.md says
// how it was made.
func Progressive() []byte { return bytes.Clone(progressive) }

// dunes is the picture in the progressive file.
func dunes() *image.NRGBA {
	const w, h = 600, 400
	m := image.NewNRGBA(image.Rect(0, 0, w, h))
	paint(m, func(x, y int) color.NRGBA {
		switch ridge := 200 + (x-300)*(x-300)/900; {
		case y < ridge-60:
			return color.NRGBA{uint8(120 + y/3), uint8(170 + y/5), 230, 255}
		case y < ridge:
			return color.NRGBA{222, 184, 120, 255}
		}
		return color.NRGBA{176, uint8(130 - x/20), 72, 255}
	})
	return m
}

// Translucent returns a PNG of 400x400 with alpha: a red disc on nothing, with
// a shadow that is half transparent. What cannot be seen is stored as bright
// green, which must not show at the disc's edge.
func Translucent() []byte {
	m := image.NewNRGBA(image.Rect(0, 0, 400, 400))
	disc := func(x, y, cx, cy int) bool { return (x-cx)*(x-cx)+(y-cy)*(y-cy) < 120*120 }
	paint(m, func(x, y int) color.NRGBA {
		switch {
		case disc(x, y, 180, 180):
			return color.NRGBA{220, 20, 20, 255}
		case disc(x, y, 220, 220):
			return color.NRGBA{0, 0, 0, 128}
		}
		return color.NRGBA{0, 255, 0, 0}
	})
	return encodePNG(m)
}

// Deep returns a grey PNG with 16 bits a channel, 640x320, from black at the
// left to white at the right.
func Deep() []byte {
	const w, h = 640, 320
	m := image.NewGray16(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			m.SetGray16(x, y, color.Gray16{Y: uint16(x * 0xffff / (w - 1))})
		}
	}
	return encodePNG(m)
}

// Large returns a grey JPEG of 5184x3888, 20 megapixels: nine broad bands, each
// brighter than the one above. It is made once in a process, for it takes long.
func Large() []byte { return bytes.Clone(large()) }

var large = sync.OnceValue(func() []byte {
	const w, h, bands = 5184, 3888, 9
	m := image.NewGray(image.Rect(0, 0, w, h))
	for y := range h {
		row := m.Pix[y*m.Stride:][:w]
		for x := range row {
			row[x] = uint8(16 + y*bands/h*24)
		}
	}
	return encodeJPEG(m)
})

// Truncated returns the first half of a JPEG of 600x400.
func Truncated() []byte {
	file := encodeJPEG(dunes())
	return file[:len(file)/2]
}

// Bomb returns a PNG of 57 bytes that says to have 40,000x40,000 pixels: a
// program that decodes it before it looks asks for gigabytes.
func Bomb() []byte {
	file := append([]byte("\x89PNG\r\n\x1a\n"), PNGHeader(40_000, 40_000)...)
	return appendChunk(appendChunk(file, "IDAT", nil), "IEND", nil)
}

// PNGHeader returns the first chunk of a PNG: RGB with alpha, 16 bits a channel.
func PNGHeader(width, height uint32) []byte {
	data := binary.BigEndian.AppendUint32(nil, width)
	data = binary.BigEndian.AppendUint32(data, height)
	return appendChunk(nil, "IHDR", append(data, 16, 6, 0, 0, 0))
}

func appendChunk(file []byte, kind string, data []byte) []byte {
	file = binary.BigEndian.AppendUint32(file, uint32(len(data)))
	body := append([]byte(kind), data...)
	file = append(file, body...)
	return binary.BigEndian.AppendUint32(file, crc32.ChecksumIEEE(body))
}

// WithOrientation returns the JPEG file with an EXIF segment that asks for
// orientation n.
func WithOrientation(file []byte, n uint16) []byte {
	segment := []byte{0xff, 0xe1, 0, 0}
	segment = append(segment, "Exif\x00\x00MM\x00*\x00\x00\x00\x08"...) // the directory follows
	segment = append(segment, 0, 1)                                     // of one entry
	segment = append(segment, 0x01, 0x12, 0, 3, 0, 0, 0, 1)             // Orientation, one SHORT
	segment = append(segment, byte(n>>8), byte(n), 0, 0)
	segment = append(segment, 0, 0, 0, 0) // no directory after it
	binary.BigEndian.PutUint16(segment[2:], uint16(len(segment)-2))

	out := append([]byte{}, file[:2]...) // the start marker
	out = append(out, segment...)
	return append(out, file[2:]...)
}

func paint(m *image.NRGBA, at func(x, y int) color.NRGBA) {
	b := m.Bounds()
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			m.SetNRGBA(x, y, at(x, y))
		}
	}
}

func encodeJPEG(m image.Image) []byte {
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: 92}); err != nil {
		panic(fmt.Sprintf("samples: %v", err)) // a buffer takes every write
	}
	return b.Bytes()
}

func encodePNG(m image.Image) []byte {
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		panic(fmt.Sprintf("samples: %v", err))
	}
	return b.Bytes()
}
