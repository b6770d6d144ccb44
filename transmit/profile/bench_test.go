package profile

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// sample looks as json_encode writes it: no white space, escapes in SQL, fractions with many digits.
func sample(functions, queries int) []byte {
	var b strings.Builder
	b.WriteString(`{"correlation_id":"req_69230a4b1f3c55.81240276","url":"/shop/item.php?id=4711","method":"GET","elapsed_ms":812.5340270996094,"peak_memory":8388608,"xhprof":{"profiling":{"total_functions":2811,"top_functions":[`)
	for i := range functions {
		fmt.Fprintf(&b, `{"function":"Shop\\Catalog\\Repository::find%d==>PDOStatement::execute","calls":%d,"wall_time":%d,"cpu_time":%d,"memory":%d,"pct":%.2f},`, i*7%113, i*31%977, 900000-i*4211, 700000-i*3100, i*i*77%123457, 97.5/float64(i+1))
	}
	b.WriteString(`null]}},"sql":{"total":312,"queries":[`)
	for i := range queries {
		fmt.Fprintf(&b, `{"sql":"SELECT p.id, p.name, p.price FROM products p JOIN categories c ON c.id = p.category_id WHERE c.slug = 'shoes-%d' AND p.visible = 1\nORDER BY p.created_at DESC LIMIT %d","time_ms":%v,"rows":%d,"file":"/var/www/shop/src/Catalog/Repository.php","line":%d},`, i%91, i%50, float64(i*7919%10007)/77.0, i%40, i%800)
	}
	b.WriteString(`{"sql":"COMMIT"}]},"ok":true}`)
	return []byte(b.String())
}

func BenchmarkCheck(b *testing.B) {
	for _, test := range []struct {
		name string
		doc  []byte
	}{
		{"26KB", sample(60, 50)},
		{"functions", sample(160, 0)},
		{"60KB", sample(120, 130)},
		{"10MB", sample(100, 35000)},
	} {
		b.Run(test.name, func(b *testing.B) {
			b.SetBytes(int64(len(test.doc)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Check(test.doc, never); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// walk reads a document a byte at a time and returns whether its brackets are balanced. It is the guard's
// yardstick: encoding/json became three times faster from one Go to the next.
func walk(doc []byte) bool {
	depth, inString := 0, false
	for i := 0; i < len(doc); i++ {
		switch c := doc[i]; {
		case c == '\\' && inString:
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			depth--
		}
	}
	return depth == 0 && !inString
}

// BenchmarkBesidePeers reports nanoseconds for 1,000,000 bytes, in units that
// tests/bench reads: what reads a document, beside a memchr and walk over the
// same bytes. They take turns.
func BenchmarkBesidePeers(b *testing.B) {
	profile, large := sample(60, 50), sample(160, 200)
	ways := []struct {
		unit string
		doc  []byte
		run  func(doc []byte) bool
	}{
		{"ns/check/memchr", profile, func(doc []byte) bool { return bytes.IndexByte(doc, 0) < 0 }},
		{"ns/check/walk", profile, walk},
		{"ns/check/transmit", profile, func(doc []byte) bool { _, err := Check(doc, never); return err == nil }},
		{"ns/cut/walk", large, walk},
		{"ns/cut/transmit", large, func(doc []byte) bool { _, err := PlanShrink(doc, 0, never); return err == nil }},
	}
	took := make([][]float64, len(ways))
	for b.Loop() {
		for i, way := range ways {
			start := time.Now()
			if !way.run(way.doc) {
				b.Fatal(way.unit)
			}
			took[i] = append(took[i], float64(time.Since(start))*1e6/float64(len(way.doc)))
		}
	}
	b.ReportMetric(0, "ns/op") // of all together: says nothing
	for i, way := range ways {
		slices.Sort(took[i])
		b.ReportMetric(took[i][len(took[i])/2], way.unit)
	}
}

func BenchmarkCut(b *testing.B) {
	for _, test := range []struct {
		name string
		doc  []byte
	}{
		{"80KB", sample(160, 200)},
		{"10MB", sample(100, 35000)},
	} {
		b.Run(test.name, func(b *testing.B) {
			b.SetBytes(int64(len(test.doc)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := PlanShrink(test.doc, 0, never); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
