package transmit

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The kernel takes less than max_datagram_size, and the marks make the cut document longer than
// it was, longer than that, or not: it is on disk in any case, whole and cut.
func TestOffer_CutIsLonger(t *testing.T) {
	path := filepath.Join(shortDir(t), "l")
	drain(t, listen(t, path))
	for _, shape := range []struct{ name, before, each, after, mark string }{
		{"functions", `"xhprof":{"profiling":{"top_functions":[`, `7,`, `1]}}}`, `"truncated":true`},
		{"a map of functions", `"xhprof":{"profiling":{"top_functions":{`, `"":7,`, `"":1}}}}`, `"truncated":true`},
		{"queries", `"sql":{"queries":[`, `7,7,`, `1]}}`, `"sql_truncated":true`},
	} {
		for _, limit := range []int{300_000, 1 << 20} {
			t.Run(fmt.Sprint(shape.name, ", ", limit), func(t *testing.T) {
				tx, dir := newTransmitter(t, path)
				mustConfigure(t, tx, fmt.Sprintf(`{"max_datagram_size":%d,"timeout_us":3000000}`, limit))
				sends := 0
				for size := limit - 150; size <= limit+20; size += 5 {
					tail := `",` + shape.before + strings.Repeat(shape.each, 50) + shape.after
					doc := `{"pad":"` + strings.Repeat("x", size-len(tail)-8) + tail
					outcome, err := tx.Send(SendRequest{JSON: []byte(doc)})
					if outcome != Buffered {
						t.Errorf("%d bytes: %v, %v", size, outcome, err)
					}
					sends++
				}
				if !tx.Flush(5 * time.Second) {
					t.Fatal("not flushed")
				}
				files := buffered(t, dir)
				for _, text := range files {
					if !strings.Contains(text, shape.mark) {
						t.Errorf("a file of %d bytes is not cut", len(text))
					}
				}
				if len(files) != sends {
					t.Errorf("%d files, want %d", len(files), sends)
				}
			})
		}
	}
}
