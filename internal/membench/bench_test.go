package membench

import (
	"slices"
	"testing"
)

// The benchmarks are for a profile; the table of TestCompare is for a look.

const batch = 1000

func BenchmarkFullBatches(b *testing.B) {
	for _, c := range contenders {
		b.Run(c.name, func(b *testing.B) {
			in := c.open(false)
			defer in.close()
			bodies := slices.Repeat([]string{body}, batch)
			b.ReportAllocs()
			for n := batch; b.Loop(); n += batch {
				in.send(bodies)
				in.wait(n)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*batch), "ns/message")
		})
	}
}

func BenchmarkOneByOne(b *testing.B) {
	for _, c := range contenders {
		if c.name == "mempubsub" {
			continue // 250 ms a message: an empty subscription is asked again after that
		}
		b.Run(c.name, func(b *testing.B) {
			in := c.open(false)
			defer in.close()
			one := []string{body}
			b.ReportAllocs()
			for n := 1; b.Loop(); n++ {
				in.send(one)
				in.wait(n)
			}
		})
	}
}

// BenchmarkFirst is a test's way from nothing to its first message, and back.
func BenchmarkFirst(b *testing.B) {
	for b.Loop() {
		in := openMemcloud(false)
		in.send([]string{body})
		in.wait(1)
		in.close()
	}
}

func BenchmarkFloor(b *testing.B) {
	payload := capture(10)
	for b.Loop() {
		if _, err := decode(payload); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*10), "ns/message")
}
