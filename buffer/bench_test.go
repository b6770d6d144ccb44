package buffer

import (
	"fmt"
	"os"
	"slices"
	"testing"
	"time"
)

// BenchmarkWrite compares writes of 4 KB into directories of so many files
// with one into a directory that began empty. They take turns, so that
// whatever else the machine does meets all. BUFFER_BENCH_DIR puts them on
// another file system than the temporary one: ext4, soon after so many files
// were made and removed, takes 0.3 to 0.8 ms for any open(O_CREAT) near them.
// tests/bench reads the units.
func BenchmarkWrite(b *testing.B) {
	files := []int{0, 1000, 10_000, 100_000}
	stores := make([]*Store, len(files))
	for i, n := range files {
		stores[i] = benchStore(b, n)
	}
	took := make([][]time.Duration, len(stores))
	content := document(4096)
	b.ReportAllocs()
	for b.Loop() {
		for i, s := range stores {
			start := time.Now()
			mustWrite(b, s, content)
			took[i] = append(took[i], time.Since(start))
		}
	}
	b.ReportMetric(0, "ns/op") // of all together: says nothing
	for i, n := range files {
		slices.Sort(took[i])
		b.ReportMetric(float64(took[i][len(took[i])/2]), fmt.Sprintf("ns/buffer/%d", n))
	}
}

// BenchmarkScan is one scan of 100,000 files.
func BenchmarkScan(b *testing.B) {
	s := benchStore(b, 100_000)
	for b.Loop() {
		for scan := newScan(s.dir, profile{}, minOldest); scan.walkBlock(); {
		}
	}
}

// benchStore has finished its first scan.
func benchStore(b *testing.B, files int) *Store {
	b.Helper()
	dir, err := os.MkdirTemp(os.Getenv("BUFFER_BENCH_DIR"), "buffer")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { os.RemoveAll(dir) })
	for i := range files {
		putProfile(b, dir, i, 1, time.Now().Add(-time.Hour))
	}
	s := newStore(b, Options{Dirs: []string{dir}, MaxFiles: 1_000_000, MaxBytes: 1 << 40})
	mustWrite(b, s, document(10))
	for s.Work() {
	}
	return s
}
