package pipeline

import (
	"image"
	"image/color"
	"math"
	"sync"
)

// linear returns the table from a stored sRGB value of 16 bits to its light,
// of 16 bits as well: fine enough that each of the 256 values of 8 bits comes
// back as itself.
var linear = sync.OnceValue(func() *[1 << 16]uint16 {
	var t [1 << 16]uint16
	for i := range t {
		v := float64(i) / 0xffff
		if v <= 0.04045 {
			v /= 12.92
		} else {
			v = math.Pow((v+0.055)/1.055, 2.4)
		}
		t[i] = uint16(math.Round(v * 0xffff))
	}
	return &t
})

// stored returns the table from light of 16 bits to the sRGB value of 8 bits.
var stored = sync.OnceValue(func() *[1 << 16]uint8 {
	var t [1 << 16]uint8
	for i := range t {
		v := float64(i) / 0xffff
		if v <= 0.0031308 {
			v *= 12.92
		} else {
			v = 1.055*math.Pow(v, 1/2.4) - 0.055
		}
		t[i] = uint8(math.Round(v * 0xff))
	}
	return &t
})

// lightOf returns a function that reads a pixel of picture as linear light,
// premultiplied by its alpha, 16 bits a channel.
func lightOf(picture image.Image) func(x, y int) (r, g, b, a uint16) {
	table := linear()
	straight := straightOf(picture)
	return func(x, y int) (r, g, b, a uint16) {
		r, g, b, a = straight(x, y)
		r, g, b = table[r], table[g], table[b]
		if a != 0xffff {
			r = uint16((uint32(r)*uint32(a) + 0x7fff) / 0xffff)
			g = uint16((uint32(g)*uint32(a) + 0x7fff) / 0xffff)
			b = uint16((uint32(b)*uint32(a) + 0x7fff) / 0xffff)
		}
		return r, g, b, a
	}
}

// straightOf returns a function that reads a pixel as stored, 16 bits a
// channel and not premultiplied. What JPEG and PNG files decode to is read
// without loss and without an allocation for each pixel.
func straightOf(picture image.Image) func(x, y int) (r, g, b, a uint16) {
	switch p := picture.(type) {
	case *image.YCbCr:
		return func(x, y int) (uint16, uint16, uint16, uint16) {
			c := p.COffset(x, y)
			r, g, b := color.YCbCrToRGB(p.Y[p.YOffset(x, y)], p.Cb[c], p.Cr[c])
			return uint16(r) * 0x101, uint16(g) * 0x101, uint16(b) * 0x101, 0xffff
		}
	case *image.NRGBA:
		return func(x, y int) (uint16, uint16, uint16, uint16) {
			c := p.NRGBAAt(x, y)
			return uint16(c.R) * 0x101, uint16(c.G) * 0x101, uint16(c.B) * 0x101, uint16(c.A) * 0x101
		}
	case *image.NRGBA64:
		return func(x, y int) (uint16, uint16, uint16, uint16) {
			c := p.NRGBA64At(x, y)
			return c.R, c.G, c.B, c.A
		}
	case image.RGBA64Image: // every other type of package image
		return func(x, y int) (uint16, uint16, uint16, uint16) {
			return unmultiply(p.RGBA64At(x, y))
		}
	}
	return func(x, y int) (uint16, uint16, uint16, uint16) {
		return unmultiply(color.RGBA64Model.Convert(picture.At(x, y)).(color.RGBA64))
	}
}

func unmultiply(c color.RGBA64) (r, g, b, a uint16) {
	switch c.A {
	case 0xffff:
		return c.R, c.G, c.B, c.A
	case 0:
		return 0, 0, 0, 0
	}
	divide := func(v uint16) uint16 {
		return uint16(min(0xffff, (uint32(v)*0xffff+uint32(c.A)/2)/uint32(c.A)))
	}
	return divide(c.R), divide(c.G), divide(c.B), c.A
}

// encodeLight returns premultiplied linear light as stored values.
func encodeLight(src *image.RGBA64) *image.NRGBA {
	table := stored()
	out := image.NewNRGBA(src.Bounds())
	for i := 0; i < len(out.Pix); i += 4 {
		p := src.Pix[2*i : 2*i+8 : 2*i+8]
		r, g, b, a := unmultiply(color.RGBA64{
			R: uint16(p[0])<<8 | uint16(p[1]), G: uint16(p[2])<<8 | uint16(p[3]),
			B: uint16(p[4])<<8 | uint16(p[5]), A: uint16(p[6])<<8 | uint16(p[7]),
		})
		out.Pix[i], out.Pix[i+1], out.Pix[i+2] = table[r], table[g], table[b]
		out.Pix[i+3] = uint8((uint32(a) + 128) / 257)
	}
	return out
}
