package pipeline

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"

	"golang.org/x/image/draw"
)

// Size is a size in pixels.
type Size struct {
	Width  int `json:"width" docstore:"width"`
	Height int `json:"height" docstore:"height"`
}

func (s Size) String() string { return fmt.Sprintf("%dx%d", s.Width, s.Height) }

// A Thumbnail is a small picture, encoded.
type Thumbnail struct {
	Data   []byte
	Format string // "jpeg" or "png": as the picture it was made of
	Of     Size   // of that picture, upright
	Size   Size
}

// thumbnailOf makes the thumbnail of a JPEG or PNG file: upright, within box,
// never larger than the picture, and in 8 bits a channel. A picture of more
// than maxPixels is refused before a pixel is decoded, for a file of some
// hundred bytes can ask for gigabytes of memory. Errors are permanent: the
// same bytes fail again.
//
// Pixels are taken as sRGB: an embedded colour profile is not applied.
func thumbnailOf(file []byte, box Size, maxPixels int) (*Thumbnail, error) {
	config, format, err := image.DecodeConfig(bytes.NewReader(file))
	if err != nil {
		return nil, rejectFile(file, format, err)
	}
	if config.Width < 1 || config.Height < 1 {
		return nil, rejectf("%s of %dx%d has no pixels", format, config.Width, config.Height)
	}
	if config.Width > maxPixels/config.Height { // the product could overflow
		return nil, rejectf("%dx%d pixels: the limit is %.0f million", config.Width, config.Height, float64(maxPixels)/1e6)
	}
	picture, format, err := image.Decode(bytes.NewReader(file))
	if err != nil {
		return nil, rejectFile(file, format, err)
	}

	o := orientationOf(file, format)
	stored := picture.Bounds().Size()
	of := o.size(Size{stored.X, stored.Y})
	size := fit(of, box)
	scaled := o.apply(scale(picture, o.size(size)))

	var out bytes.Buffer
	switch format {
	case "jpeg":
		// Without alpha both types hold the same bytes, and the encoder is
		// quick only with this one.
		opaque := &image.RGBA{Pix: scaled.Pix, Stride: scaled.Stride, Rect: scaled.Rect}
		err = jpeg.Encode(&out, opaque, &jpeg.Options{Quality: 85})
	case "png":
		err = png.Encode(&out, scaled)
	default: // another package of the program registered a decoder
		return nil, rejectf("%s is not a format that this makes thumbnails of", format)
	}
	if err != nil {
		return nil, fmt.Errorf("encoding the thumbnail: %w", err)
	}
	return &Thumbnail{Data: out.Bytes(), Format: format, Of: of, Size: size}, nil
}

// fit returns the largest size within box that has the shape of s and is not
// larger than s. No side is less than a pixel.
func fit(s, box Size) Size {
	if s.Width <= box.Width && s.Height <= box.Height {
		return s
	}
	// Compare the shapes crosswise: exact, where a quotient would round.
	if s.Width*box.Height >= s.Height*box.Width {
		return Size{box.Width, max(1, (s.Height*box.Width+s.Width/2)/s.Width)}
	}
	return Size{max(1, (s.Width*box.Height+s.Height/2)/s.Height), box.Height}
}

// scale returns picture at a size that is not larger. It works in linear light
// and with premultiplied colours: averaging the stored values would make fine
// patterns too dark, and would let the colour of invisible pixels show as a
// fringe.
func scale(picture image.Image, to Size) *image.NRGBA {
	src := shrink(picture, Size{4 * to.Width, 4 * to.Height})
	if src.Bounds().Dx() != to.Width || src.Bounds().Dy() != to.Height {
		dst := image.NewRGBA64(image.Rect(0, 0, to.Width, to.Height))
		draw.CatmullRom.Scale(dst, dst.Bounds(), src, src.Bounds(), draw.Src, nil)
		src = dst
	}
	return encodeLight(src)
}

// shrink returns picture in premultiplied linear light, reduced by averaging
// blocks of whole pixels to a size that is at least as large as the one asked
// for, or as it is when it is smaller. Resampling costs time and memory by the
// pixel; four times the wanted size is fine enough to see no difference, and
// makes a picture of 20 megapixels cost little more than reading it.
func shrink(picture image.Image, to Size) *image.RGBA64 {
	b := picture.Bounds()
	w, h := min(b.Dx(), to.Width), min(b.Dy(), to.Height)
	out := image.NewRGBA64(image.Rect(0, 0, w, h))
	light := lightOf(picture)
	for y := range h {
		y0, y1 := b.Min.Y+y*b.Dy()/h, b.Min.Y+(y+1)*b.Dy()/h
		for x := range w {
			x0, x1 := b.Min.X+x*b.Dx()/w, b.Min.X+(x+1)*b.Dx()/w
			var sum [4]uint64
			for v := y0; v < y1; v++ {
				for u := x0; u < x1; u++ {
					r, g, b, a := light(u, v)
					sum[0] += uint64(r)
					sum[1] += uint64(g)
					sum[2] += uint64(b)
					sum[3] += uint64(a)
				}
			}
			n := uint64((x1 - x0) * (y1 - y0))
			i := out.PixOffset(x, y)
			for c, s := range sum {
				v := (s + n/2) / n
				out.Pix[i+2*c] = uint8(v >> 8)
				out.Pix[i+2*c+1] = uint8(v)
			}
		}
	}
	return out
}

// rejectFile says why a file could not be read as a picture.
func rejectFile(file []byte, format string, err error) error {
	if format == "" {
		format = "picture"
	}
	switch {
	case len(file) == 0:
		return rejectf("the file is empty")
	case errors.Is(err, image.ErrFormat):
		return rejectf("not a JPEG or PNG file")
	case endsEarly(file, format):
		return rejectf("truncated %s: it ends after %d bytes", format, len(file))
	}
	return rejectf("damaged %s: %v", format, err)
}
