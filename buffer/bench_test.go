package buffer

import (
	"fmt"
	"os"
	"slices"
	"testing"
	"time"
)

// BenchmarkWrite compares writes of 4 KB into directories of so many files
// with one into a directory that began empty, and with a plain file. They take turns, so that
// whatever else the machine does meets all. BUFFER_BENCH_DIR puts them on
// another file system than the temporary one: ext4, soon after so many files
// were made and removed, takes 0.3 to 0.8 ms for any open(O_CREAT) near them.
// tests/bench reads the units.
func BenchmarkWrite(b *testing.B) {
	content := document(4096)
	units, ways := []string{"ns/buffer/file"}, []func(){func() { writeAndRename(b, content) }}
	for _, files := range []int{0, 1000, 10_000, 100_000} {
		s := benchStore(b, files)
		units = append(units, fmt.Sprintf("ns/buffer/%d", files))
		ways = append(ways, func() { mustWrite(b, s, content) })
	}
	took := make([][]time.Duration, len(ways))
	order := []int{0, 1, 2, 3, 4}
	b.ReportAllocs()
	for b.Loop() {
		slices.Reverse(order)
		for _, i := range order {
			start := time.Now()
			ways[i]()
			took[i] = append(took[i], time.Since(start))
		}
	}
	b.ReportMetric(0, "ns/op") // of all together: says nothing
	for i, unit := range units {
		slices.Sort(took[i])
		b.ReportMetric(float64(took[i][len(took[i])/2]), unit)
	}
}

// writeAndRename is the least that makes a whole file.
func writeAndRename(b *testing.B, content []byte) {
	name := fmt.Sprintf("%s/bench-%d", os.Getenv("BUFFER_BENCH_DIR"), os.Getpid())
	err := firstError(os.WriteFile(name+".new", content, 0o600), os.Rename(name+".new", name), os.Remove(name))
	if err != nil {
		b.Fatal(err)
	}
}

// BenchmarkScan is one scan of 100,000 files.
func BenchmarkScan(b *testing.B) {
	s := benchStore(b, 100_000)
	for b.Loop() {
		for scan := newScan(s.dir, s.evictor.tags, profile{}, minOldest); scan.walkBlock(); {
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
		putProfile(b, dir, i, 0, time.Now().Add(-time.Hour)) // takes no page of a small /dev/shm
	}
	s := newStore(b, Options{Dirs: []string{dir}, MaxFiles: 1_000_000, MaxBytes: 1 << 40})
	mustWrite(b, s, document(10))
	for s.Step() {
	}
	return s
}
